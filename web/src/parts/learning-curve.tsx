// Positives found against labels given: a straight way up says that every label finds one.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type uPlot from "uplot";

import type { RoundReport } from "../api/types.ts";
import { plural } from "../format.ts";
import { AXIS_BELOW, AXIS_LEFT, AXIS_RIGHT, axisOf, Plot } from "./plot.tsx";
import type { Ink } from "./plot.tsx";

export function LearningCurve({ rounds }: { rounds: RoundReport[] }): JSX.Element {
  const columns = useMemo(() => curveOf(rounds), [rounds]);
  const [labels, positives] = columns;
  const label = `${plural(positives.at(-1) ?? 0, "positive")} found with ${plural(labels.at(-1) ?? 0, "label")} in ${plural(labels.length - 1, "round")}`;
  return <Plot label={label} height={120} columns={columns} options={options} />;
}

/** Starts at nothing; each round with labels adds them and its positives. */
function curveOf(rounds: RoundReport[]): [labels: number[], positives: number[]] {
  let n_labels = 0;
  const points = rounds
    .filter((round) => round.n_labels > 0)
    .map((round) => {
      n_labels += round.n_labels;
      return [n_labels, round.n_positive_total] as const;
    });
  return [
    [0, ...points.map(([labels]) => labels)],
    [0, ...points.map(([, positives]) => positives)],
  ];
}

function options(ink: Ink): Omit<uPlot.Options, "width" | "height"> {
  const axis = axisOf(ink);
  const whole = (_: uPlot, at: number[]) => at.map((value) => (Number.isInteger(value) ? String(value) : ""));
  return {
    legend: { show: false },
    cursor: { show: false },
    padding: [8, AXIS_RIGHT, 0, 0],
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(1, max)] } },
    axes: [
      { ...axis, grid: { show: false }, size: AXIS_BELOW, gap: 2, values: whole },
      { ...axis, grid: { stroke: ink.line, width: 1 }, size: AXIS_LEFT, gap: 4, values: whole },
    ],
    series: [{}, { stroke: ink.pos, width: 2, points: { show: true, size: 6, fill: ink.pos } }],
  };
}
