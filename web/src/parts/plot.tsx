// uPlot in a box: drawn again when its room, its numbers or the colours change.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";

import { dark } from "../state/theme.ts";

/** Colours of the style sheet, for what is drawn and not styled. */
export interface Ink {
  line: string;
  soft: string;
  pos: string;
  neg: string;
  mid: string;
}

export interface PlotProps {
  /** What the plot shows, in words. */
  label: string;
  height: number;
  /** Columns: x, then a series each. */
  columns: UPlot.AlignedData;
  /** How it is drawn; must not change between drawings but through `columns`. */
  options: (ink: Ink) => Omit<UPlot.Options, "width" | "height">;
}

/** The room beside the plot that axes take, so that a slider can lie over it. */
export const AXIS_LEFT = 42;
export const AXIS_RIGHT = 8;
/** The room below it. */
export const AXIS_BELOW = 26;

/** How axes of all plots are drawn. */
export const axisOf = (ink: Ink): UPlot.Axis => ({
  stroke: ink.soft,
  font: "14px system-ui, sans-serif",
  ticks: { show: false },
});

export function Plot({ label, height, columns, options }: PlotProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const latest = useRef(columns);
  latest.current = columns;
  const isDark = dark.value;
  useEffect(() => {
    const room = box.current;
    if (room === null) return undefined;
    const drawn = { ...options(inkOf(room)), width: room.clientWidth, height };
    plot.current = new UPlot(drawn, latest.current, room);
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: room.clientWidth, height }));
    watch.observe(room);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [height, isDark]);
  useEffect(() => plot.current?.setData(columns), [columns]);
  return <div ref={box} class="plot" role="img" aria-label={label} style={{ height: `${height}px` }} />;
}

/** The colours as they are now: asked of an element, because a custom property does not say which of two it is. */
function inkOf(room: HTMLElement): Ink {
  const probe = room.appendChild(document.createElement("span"));
  const colour = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const ink = {
    line: colour("line"),
    soft: colour("soft"),
    pos: colour("pos"),
    neg: colour("neg"),
    mid: colour("mid"),
  };
  probe.remove();
  return ink;
}
