// The way of the query through the space, round by round, among the labelled records: both laid flat by the server.

import type { JSX } from "preact";

import type { Insight } from "../api/types.ts";
import { plural } from "../format.ts";
import { lean, scoreText } from "../score.ts";

interface TrajectoryProps {
  path: Insight["trajectory"];
  landmarks: Insight["landmarks"];
}

const [WIDTH, HEIGHT, MARGIN] = [320, 200, 14];

export function Trajectory({ path, landmarks }: TrajectoryProps): JSX.Element {
  const place = placer([...path, ...landmarks]);
  const points = path.map(place);
  const last = points.at(-1);
  return (
    <>
      <svg
        class="trajectory"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`Way of the query over ${plural(path.length, "fit")}, among ${plural(landmarks.length, "labelled record")}`}
      >
        {landmarks.map((landmark) => (
          <Landmark key={landmark.id} at={place(landmark)} landmark={landmark} />
        ))}
        <polyline class="path" points={points.map(({ x, y }) => `${x},${y}`).join(" ")} />
        {points.map(({ x, y }, idx) => (
          <circle key={idx} class="stop" cx={x} cy={y} r={2.2} />
        ))}
        {last !== undefined && <circle class="now" cx={last.x} cy={last.y} r={4.5} />}
      </svg>
      <p class="soft fine legend">
        <span class="legend-pos">+ relevant</span> <span class="legend-neg">− irrelevant</span>{" "}
        <span class="legend-now">● now</span>
      </p>
    </>
  );
}

interface LandmarkProps {
  at: { x: number; y: number };
  landmark: Insight["landmarks"][number];
}

/** A cross for relevant, a dash for irrelevant: not told by colour alone. */
function Landmark({ at: { x, y }, landmark: { id, label } }: LandmarkProps): JSX.Element {
  const cross = label > 0 ? ` M${x} ${y - 3}v6` : "";
  return (
    <path class={`landmark is-${lean(label)}`} d={`M${x - 3} ${y}h6${cross}`}>
      <title>{`${id}: ${scoreText(label)}`}</title>
    </path>
  );
}

/** Fits points into the picture; one unit is as long across as up. */
function placer(
  points: { x: number; y: number }[],
): (point: { x: number; y: number }) => { x: number; y: number } {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = Math.min(
    (WIDTH - 2 * MARGIN) / Math.max(right - left, 1e-9),
    (HEIGHT - 2 * MARGIN) / Math.max(high - low, 1e-9),
  );
  const round = (value: number) => Math.round(value * 10) / 10;
  return ({ x, y }) => ({
    x: round(WIDTH / 2 + (x - (left + right) / 2) * scale),
    y: round(HEIGHT / 2 - (y - (low + high) / 2) * scale),
  });
}
