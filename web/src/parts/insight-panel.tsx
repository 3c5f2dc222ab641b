// What the last fit says: whether to go on, how many there are, where the threshold stands, how the search moved, and
// which labels look wrong.

import type { JSX } from "preact";

import type { Seat } from "../api/calls.ts";
import type { Insight, Interval } from "../api/types.ts";
import { count } from "../format.ts";
import { scoreText } from "../score.ts";
import { Advice } from "./advice.tsx";
import { Histogram } from "./histogram.tsx";
import { LearningCurve } from "./learning-curve.tsx";
import { Thumb } from "./media.tsx";
import { Trajectory } from "./trajectory.tsx";

interface InsightPanelProps {
  seat: Seat;
  insight: Insight;
  threshold: number;
  busy: boolean;
  onThreshold: (score: number) => void;
  onRelabel: (id: string, label: number) => void;
}

export function InsightPanel({
  seat,
  insight,
  threshold,
  busy,
  onThreshold,
  onRelabel,
}: InsightPanelProps): JSX.Element {
  return (
    <div class="insight" aria-busy={busy}>
      <Advice advice={insight.advice} />
      <dl class="figures">
        <div>
          <dt>Positives found</dt>
          <dd>{count(insight.n_positive_found)}</dd>
        </div>
        <div>
          <dt>Expected left</dt>
          <dd>
            {count(insight.n_expected_left.estimate)} <Range interval={insight.n_expected_left} />
          </dd>
        </div>
        <div>
          <dt>Labels</dt>
          <dd>{count(insight.n_labels)}</dd>
        </div>
      </dl>
      <section class="panel-part">
        <h3>
          Scores of {insight.estimated ? "about " : ""}
          {count(insight.n_points)} records
        </h3>
        <Histogram seat={seat} insight={insight} threshold={threshold} onThreshold={onThreshold} />
      </section>
      {insight.n_labels > 0 && (
        <section class="panel-part">
          <h3>Positives found by labels</h3>
          <LearningCurve rounds={insight.rounds} />
        </section>
      )}
      {insight.trajectory.length > 1 && (
        <section class="panel-part">
          <h3>Way of the query</h3>
          <Trajectory path={insight.trajectory} landmarks={insight.landmarks} />
        </section>
      )}
      {insight.doubtful.length > 0 && (
        <section class="panel-part">
          <h3>Look again</h3>
          <Doubtful project={seat.project} doubtful={insight.doubtful} onRelabel={onRelabel} />
        </section>
      )}
      <p class="soft fine">Fitted in {insight.fit_ms < 1 ? "under 1" : count(insight.fit_ms)} ms</p>
    </div>
  );
}

/** The ends of an interval, where they say more than its middle. */
function Range({ interval: { low, high } }: { interval: Interval }): JSX.Element | null {
  return low === high ? null : (
    <small>
      {count(low)} to {count(high)}
    </small>
  );
}

interface DoubtfulProps {
  project: string;
  doubtful: Insight["doubtful"];
  onRelabel: (id: string, label: number) => void;
}

function Doubtful({ project, doubtful, onRelabel }: DoubtfulProps): JSX.Element {
  return (
    <ul class="plain doubtful">
      {doubtful.map(({ record, label, reason }) => (
        <li key={record.id}>
          <Thumb project={project} record={record} />
          <p class="soft fine">
            you said {scoreText(label)}; {reason}
          </p>
          <p class="row">
            <button type="button" class="button small" onClick={() => onRelabel(record.id, -label || 1)}>
              Make it {scoreText(-label || 1)}
            </button>
            <button type="button" class="button small" onClick={() => onRelabel(record.id, 0)}>
              Undecided
            </button>
            <button type="button" class="button small" onClick={() => onRelabel(record.id, label)}>
              It is right
            </button>
          </p>
        </li>
      ))}
    </ul>
  );
}
