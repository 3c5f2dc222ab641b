// The score of one record: a real slider, with the number beside it, and the model's own opinion as a mark on it.

import type { CSSProperties, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { FINE_STEP, lean, MAX, MIN, scoreText, scoreWords } from "../score.ts";

interface ScoreSliderProps {
  name: string;
  /** Null where nobody has scored it. */
  score: number | null;
  /** What the model would say; null where it must not be seen. */
  model: number | null;
  /** Whether Tab stops here. */
  reachable: boolean;
  onFocus: () => void;
  onScore: (score: number) => void;
}

const SETTLE_MS = 250;

export function ScoreSlider({
  name,
  score,
  model,
  reachable,
  onFocus,
  onScore,
}: ScoreSliderProps): JSX.Element {
  const { draft, hold, slide, settle } = useDraft(onScore);
  const shown = draft ?? score;
  const style: CSSProperties = { "--m": Math.abs(shown ?? 0), "--at": ((shown ?? 0) + 1) / 2 };
  return (
    <div class={`score is-${shown === null ? "none" : lean(shown)}`} style={style}>
      <div class="score-track">
        {model !== null && (
          <span
            class="score-model"
            style={{ "--at": (model + 1) / 2 }}
            title={`the model says ${scoreText(model)}`}
          />
        )}
        <input
          type="range"
          min={MIN}
          max={MAX}
          step={FINE_STEP}
          value={shown ?? 0}
          tabIndex={reachable ? 0 : -1}
          aria-label={`Score of ${name}`}
          aria-valuetext={valueText(shown, model)}
          onInput={(event) => slide(event.currentTarget.valueAsNumber)}
          onPointerDown={hold}
          onPointerCancel={settle}
          onPointerUp={(event) => {
            settle();
            event.currentTarget.blur();
          }}
          onFocus={onFocus}
          onBlur={settle}
        />
      </div>
      <span class="score-chip">{shown === null ? "·" : scoreText(shown)}</span>
    </div>
  );
}

interface Draft {
  to: number | null;
  held: boolean;
  timer: number;
  onScore: (score: number) => void;
}

/** What is being slid to is no answer until the thumb is let go, or rests when keys move it: one slide is one answer. */
function useDraft(onScore: (score: number) => void): {
  draft: number | null;
  hold: () => void;
  slide: (to: number) => void;
  settle: () => void;
} {
  const [draft, setDraft] = useState<number | null>(null);
  const latest = useRef<Draft>({ to: null, held: false, timer: 0, onScore });
  latest.current.onScore = onScore;
  const settle = () => {
    const { to, timer } = latest.current;
    clearTimeout(timer);
    latest.current.held = false;
    latest.current.to = null;
    setDraft(null);
    if (to !== null) latest.current.onScore(to);
  };
  const slide = (to: number) => {
    clearTimeout(latest.current.timer);
    setDraft(to);
    latest.current.to = to;
    if (!latest.current.held) latest.current.timer = window.setTimeout(settle, SETTLE_MS);
  };
  const hold = () => void (latest.current.held = true);
  // A slide that the page leaves behind still counts.
  useEffect(() => settle, []);
  return { draft, hold, slide, settle };
}

function valueText(score: number | null, model: number | null): string {
  if (score !== null) return scoreWords(score);
  return model === null ? "not scored" : `not scored; the model says ${scoreWords(model)}`;
}
