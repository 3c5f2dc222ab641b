// All scores of the dataset, and the threshold on them. The threshold is a slider that lies over the plot, so that it
// is dragged, stepped by keys and read aloud like any other. Counts stand on a logarithmic scale: the few that
// matter are otherwise not seen beside the many that do not.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type uPlot from "uplot";

import type { Seat } from "../api/calls.ts";
import type { Insight } from "../api/types.ts";
import { count, logit, plural, share } from "../format.ts";
import { useOutcome } from "../state/threshold.ts";
import { rangeOf, withThreshold } from "../thresholds.ts";
import type { Outcome } from "../thresholds.ts";
import { AXIS_BELOW, AXIS_LEFT, AXIS_RIGHT, axisOf, Plot } from "./plot.tsx";
import type { Ink } from "./plot.tsx";

interface HistogramProps {
  seat: Seat;
  insight: Insight;
  threshold: number;
  onThreshold: (score: number) => void;
}

const HEIGHT = 132;

export function Histogram({ seat, insight, threshold, onThreshold }: HistogramProps): JSX.Element {
  const outcome = useOutcome(seat, insight, threshold);
  const shown = useMemo(() => withThreshold(insight), [insight]);
  const columns = useMemo(() => columnsOf(shown), [shown]);
  const { low, high, step } = rangeOf(shown);
  const at = high > low ? Math.min(1, Math.max(0, (threshold - low) / (high - low))) : 0;
  return (
    <div class="histogram" style={{ "--at": at, "--left": `${AXIS_LEFT}px`, "--right": `${AXIS_RIGHT}px` }}>
      <div class="histogram-plot">
        <Plot label={summary(insight)} height={HEIGHT} columns={columns} options={options} />
        <div class="threshold-line" aria-hidden="true" />
        <input
          class="threshold-slider"
          type="range"
          min={low}
          max={high}
          step={step}
          value={threshold}
          aria-label="Threshold"
          aria-valuetext={outcomeWords(outcome, threshold)}
          onInput={(event) => onThreshold(event.currentTarget.valueAsNumber)}
        />
      </div>
      {outcome !== null && <Expected outcome={outcome} threshold={threshold} />}
    </div>
  );
}

function Expected({ outcome, threshold }: { outcome: Outcome; threshold: number }): JSX.Element {
  return (
    <dl class="outcome">
      <div>
        <dt>Threshold</dt>
        <dd>{logit(threshold)}</dd>
      </div>
      <div>
        <dt>At or above</dt>
        <dd>{count(outcome.n_above)}</dd>
      </div>
      <div>
        <dt>
          Precision <small>{outcome.basis}</small>
        </dt>
        <dd>{precisionText(outcome)}</dd>
      </div>
      <div>
        <dt>
          Recall <small>{outcome.basis}</small>
        </dt>
        <dd>{shareText(outcome.recall)}</dd>
      </div>
    </dl>
  );
}

const shareText = (interval: Outcome["recall"]): string => (interval == null ? "–" : share(interval));

/** Of nothing, no part is right. */
const precisionText = ({ n_above, precision }: Outcome): string =>
  n_above === 0 ? "–" : shareText(precision);

function outcomeWords(outcome: Outcome | null, threshold: number): string {
  if (outcome === null) return logit(threshold);
  return `${logit(threshold)}: ${plural(outcome.n_above, "record")} at or above, precision ${precisionText(outcome)}, recall ${shareText(outcome.recall)}`;
}

function summary({ histogram: { low, high, counts } }: Insight): string {
  const most = counts.indexOf(Math.max(...counts));
  const width = (high - low) / Math.max(1, counts.length);
  return `Histogram of scores from ${logit(low)} to ${logit(high)}, most around ${logit(low + (most + 0.5) * width)}`;
}

/** The height of a bar: 0 for none, and one tenth the records is one step lower. */
const heightOf = (n: number): number => (n === 0 ? 0 : Math.log10(n) + 0.35);

function columnsOf({ low, high, counts }: Insight["histogram"]): uPlot.AlignedData {
  const width = (high - low) / Math.max(1, counts.length);
  return [counts.map((_, idx) => low + (idx + 0.5) * width), counts.map(heightOf)];
}

function options(ink: Ink): Omit<uPlot.Options, "width" | "height"> {
  const axis = axisOf(ink);
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [6, AXIS_RIGHT, 0, 0],
    scales: {
      x: { time: false, range: (_, min, max) => [min - (max - min) / 120, max + (max - min) / 120] },
      y: { range: (_, __, max) => [0, Math.max(1, max)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: AXIS_BELOW, gap: 2 },
      {
        ...axis,
        grid: { stroke: ink.line, width: 1 },
        size: AXIS_LEFT,
        gap: 4,
        splits: powers,
        values: (_, at) => at.map(powerText),
      },
    ],
    series: [{}, { stroke: ink.mid, fill: ink.mid, width: 0, points: { show: false }, paths: bars }],
  };
}

const powers = (_: uPlot, __: number, ___: number, max: number): number[] =>
  Array.from({ length: Math.floor(max) + 1 }, (_, power) => power + 0.35).filter((at) => at <= max);

function powerText(at: number): string {
  const power = Math.round(at - 0.35);
  return power < 3 ? String(10 ** power) : power < 6 ? `${10 ** (power - 3)}k` : `${10 ** (power - 6)}M`;
}

/** Bars side by side, each as wide as its part of the scale. */
function bars(plot: uPlot, series: number, first: number, last: number): uPlot.Series.Paths {
  const path = new Path2D();
  const [xs, ys] = [plot.data[0], plot.data[series] ?? []];
  const width =
    xs.length > 1 ? plot.valToPos(xs[1] ?? 0, "x", true) - plot.valToPos(xs[0] ?? 0, "x", true) : 8;
  const floor = plot.valToPos(0, "y", true);
  for (let idx = first; idx <= last; idx++) {
    const top = plot.valToPos(ys[idx] ?? 0, "y", true);
    path.rect(
      plot.valToPos(xs[idx] ?? 0, "x", true) - width / 2 + 0.5,
      top,
      Math.max(1, width - 1),
      floor - top,
    );
  }
  return { fill: path, stroke: null };
}
