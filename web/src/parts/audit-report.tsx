// What an audit found: each measure as a bar with its interval, and in numbers.

import type { JSX } from "preact";

import type { AuditReport, Interval } from "../api/types.ts";
import { amount, count, logit, percent, plural } from "../format.ts";

export function AuditReportView({
  report,
  onLearn,
}: {
  report: AuditReport;
  onLearn: () => void;
}): JSX.Element {
  const measures: [string, Interval][] = [
    ["Precision", report.precision],
    ["Recall", report.recall],
    ["F1", report.f1],
  ];
  // An amount without ends says itself that it is about right.
  const { low, high } = report.n_relevant;
  return (
    <section class="block report" aria-labelledby="report">
      <h2 id="report">What the audit found</h2>
      <table class="intervals">
        <tbody>
          {measures.map(([name, interval]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="interval-cell">
                <IntervalBar interval={interval} />
              </td>
              <td class="num">
                <strong>{percent(interval.estimate)}</strong>
              </td>
              <td class="num soft">
                {percent(interval.low)} to {percent(interval.high)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="measure">
        Of {count(report.n_points)} records {report.estimated && low !== high ? "about " : ""}
        {amount(report.n_relevant)} are relevant; {plural(report.n_above, "record")}{" "}
        {report.n_above === 1 ? "is" : "are"} at or above the threshold {logit(report.threshold)}. From{" "}
        {plural(report.n_judged, "judgement")} and {plural(report.n_known, "label")}.
      </p>
      <p class="row">
        <button type="button" class="button" onClick={onLearn}>
          Learn from the judgements
        </button>
        <span class="soft fine">They become labels, and measure nothing any more.</span>
      </p>
    </section>
  );
}

function IntervalBar({ interval: { low, estimate, high } }: { interval: Interval }): JSX.Element {
  return (
    <span
      class="interval"
      style={{ "--low": low, "--estimate": estimate, "--high": high }}
      aria-hidden="true"
    >
      <span class="interval-range" />
      <span class="interval-point" />
    </span>
  );
}
