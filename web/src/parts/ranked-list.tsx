// A list of any length: rows of one height, of which only those in the window exist. Pictures stand several to
// a row, texts one; the cut runs between the last positive and the first negative.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Answer, LinRecord, Prediction } from "../api/types.ts";
import { count, logit, percent, restOf, titleOf } from "../format.ts";
import { lean, scoreText } from "../score.ts";
import type { Ranking } from "../state/ranking.ts";
import { scrollTo, windowOf } from "../virtual.ts";
import { useKeys } from "./key.tsx";
import { Picture } from "./media.tsx";

interface RankedListProps {
  project: string;
  kind: string;
  ranking: Ranking;
  given: ReadonlyMap<string, Answer>;
  threshold: number;
  cursor: number;
  selected: ReadonlyMap<string, LinRecord>;
  onCursor: (idx: number) => void;
  onToggle: (record: LinRecord) => void;
  onZoom: (record: LinRecord) => void;
}

/** The room of one record, in pixels; a width without end is the whole row. */
interface Layout {
  height: number;
  width: number;
}

const LAYOUT: { text: Layout; [kind: string]: Layout } = {
  image: { height: 212, width: 160 },
  text: { height: 80, width: Infinity },
  vector: { height: 60, width: Infinity },
};
const SPARE_ROWS = 3;

export function RankedList(props: RankedListProps): JSX.Element {
  const { ranking, kind, cursor, onCursor } = props;
  const { height, width } = LAYOUT[kind] ?? LAYOUT.text;
  const box = useRef<HTMLDivElement>(null);
  const { top, size } = useScrolled(box, height);
  const columns = Math.max(1, Math.floor(size.width / width));
  const total = ranking.nItems.value;
  const nRows = Math.ceil(total / columns);
  const rows = windowOf({ top, height: size.height + height }, height, nRows, SPARE_ROWS);
  const items = { first: rows.first * columns, end: Math.min(total, rows.end * columns) };
  useEffect(() => ranking.see(items), [ranking, items.first, items.end, total]);
  const move = (by: number) => {
    const to = Math.min(Math.max(0, cursor + by), Math.max(0, total - 1));
    onCursor(to);
    const seen = { top: box.current?.scrollTop ?? 0, height: size.height };
    box.current?.scrollTo({ top: scrollTo(Math.floor(to / columns), seen, height) });
  };
  useKeys({
    "move-left": () => move(-1),
    "move-right": () => move(1),
    "move-up": () => move(-columns),
    "move-down": () => move(columns),
  });
  // Ten thousand records are too many for arrows alone.
  const leap = (event: KeyboardEvent) => {
    const page = columns * Math.max(1, Math.floor(size.height / height));
    const leaps: Record<string, number> = { Home: -total, End: total, PageUp: -page, PageDown: page };
    const by = leaps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    move(by);
  };
  return (
    <div
      ref={box}
      class={`ranked ranked-${kind}`}
      role="listbox"
      aria-multiselectable="true"
      aria-label="Records by score"
      tabIndex={0}
      aria-activedescendant={`rank-${cursor}`}
      onKeyDown={leap}
    >
      <div class="ranked-all" role="presentation" style={{ height: `${nRows * height}px` }}>
        <div
          class="ranked-window"
          role="presentation"
          style={{ "--top": `${rows.first * height}px`, "--columns": columns, "--height": `${height}px` }}
        >
          {Array.from({ length: Math.max(0, items.end - items.first) }, (_, step) => (
            <Ranked key={items.first + step} idx={items.first + step} total={total} {...props} />
          ))}
        </div>
      </div>
    </div>
  );
}

function Ranked({ idx, total, ...props }: RankedListProps & { idx: number; total: number }): JSX.Element {
  const { project, ranking, given, threshold, cursor, selected, onCursor, onToggle, onZoom } = props;
  const prediction = ranking.at(idx);
  if (prediction === undefined)
    return (
      <div
        id={`rank-${idx}`}
        class="ranked-item skeleton"
        role="option"
        aria-selected={false}
        aria-label="Loading"
      />
    );
  const { record, score } = prediction;
  const below = score < threshold;
  const before = ranking.at(idx - 1);
  const isCut = ranking.order === "desc" && below && before !== undefined && before.score >= threshold;
  const answer = given.get(record.id);
  const label = answer !== undefined && "label" in answer ? answer.label : (prediction.label ?? null);
  return (
    <div
      id={`rank-${idx}`}
      class={`ranked-item ${below ? "is-below" : ""} ${isCut ? "is-cut" : ""} ${cursor === idx ? "is-current" : ""}`}
      role="option"
      aria-selected={selected.has(record.id)}
      aria-setsize={total}
      aria-posinset={idx + 1}
      aria-label={spoken(prediction, { label, below })}
      data-cut={isCut ? `threshold ${logit(threshold)}` : undefined}
      onClick={() => {
        onCursor(idx);
        onToggle(record);
      }}
      onDblClick={() => onZoom(record)}
    >
      <span class="ranked-rank">{count(prediction.rank)}</span>
      {record.kind === "image" && <Picture project={project} record={record} size={256} />}
      {record.kind !== "image" && <Lines record={record} />}
      <Facts prediction={prediction} label={label} />
    </div>
  );
}

function Lines({ record }: { record: LinRecord }): JSX.Element {
  const text =
    record.text?.trim() ??
    Object.entries(record.metadata)
      .map(([name, value]) => `${name} ${value}`)
      .join(" · ");
  const title = titleOf(record);
  return (
    <div class="ranked-words">
      <p class="ranked-title" dir="auto">
        {title}
      </p>
      <p class="ranked-rest" dir="auto">
        {restOf(text, title)}
      </p>
    </div>
  );
}

function Facts({ prediction, label }: { prediction: Prediction; label: number | null }): JSX.Element {
  const { score, probability, n_folded } = prediction;
  return (
    <p class="ranked-facts">
      <span class="num" title={`probability ${percent(probability)}`}>
        {logit(score)}
      </span>
      {label !== null && (
        <span class={`mini-chip is-${lean(label)}`} style={{ "--m": Math.abs(label) }}>
          {scoreText(label)}
        </span>
      )}
      {n_folded > 0 && <span class="alike">+{count(n_folded)} alike</span>}
    </p>
  );
}

function spoken(
  { rank, score, record, n_folded }: Prediction,
  { label, below }: { label: number | null; below: boolean },
): string {
  const parts = [
    `${rank}: ${titleOf(record)}`,
    `score ${logit(score)}`,
    below ? "below the threshold" : null,
    label === null ? null : `labelled ${scoreText(label)}`,
    n_folded > 0 ? `and ${n_folded} alike` : null,
  ];
  return parts.filter((part) => part !== null).join(", ");
}

/** How far a box is scrolled, in whole rows, so that it is drawn again once a row; and how large it is. */
function useScrolled(
  box: { current: HTMLElement | null },
  rowHeight: number,
): {
  top: number;
  size: { width: number; height: number };
} {
  const [top, setTop] = useState(0);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const room = box.current;
    if (room === null) return undefined;
    let frame = 0;
    const scrolled = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setTop(Math.floor(room.scrollTop / rowHeight) * rowHeight));
    };
    const watch = new ResizeObserver(() => setSize({ width: room.clientWidth, height: room.clientHeight }));
    watch.observe(room);
    room.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      watch.disconnect();
      room.removeEventListener("scroll", scrolled);
      cancelAnimationFrame(frame);
    };
  }, [rowHeight]);
  return { top, size };
}
