// The nine scores in a row, with their keys: the same scale wherever something is scored.

import type { JSX } from "preact";

import type { Action } from "../keys.ts";
import { digitOfScore, lean, MAX, MIN, scoreOfDigit, scoreText } from "../score.ts";
import { bindings } from "../state/ui.ts";
import { Key } from "./key.tsx";
import type { Handlers } from "./key.tsx";

const DIGITS = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

/** What the keys of scores do: digits and the two extremes. */
export function scoreHandlers(onScore: (score: number) => void): Handlers {
  const digits = DIGITS.map(
    (digit) => [`score-${digit}` satisfies Action, () => onScore(scoreOfDigit(digit))] as const,
  );
  return { ...Object.fromEntries(digits), relevant: () => onScore(MAX), irrelevant: () => onScore(MIN) };
}

/** Buttons for the nine scores; the one that is given is pressed. */
export function ScoreKeys({
  onScore,
  score,
}: {
  onScore: (score: number) => void;
  score: number | null;
}): JSX.Element {
  return (
    <div class="score-keys" role="group" aria-label="Score">
      {DIGITS.map((digit) => {
        const value = scoreOfDigit(digit);
        return (
          <button
            key={digit}
            type="button"
            class={`score-key is-${lean(value)} ${value % 0.5 === 0 ? "" : "is-between"}`}
            style={{ "--m": Math.abs(value) }}
            aria-label={`Score ${scoreText(value)}`}
            aria-pressed={score !== null && digitOfScore(score) === digit}
            aria-keyshortcuts={keysOf(digit).join(" ")}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => onScore(value)}
          >
            <span class="score-key-value">{scoreText(value)}</span>
            <span class="score-key-caps">
              <Key action={`score-${digit}`} />
              {digit === 1 && <Key action="irrelevant" />}
              {digit === 9 && <Key action="relevant" />}
            </span>
          </button>
        );
      })}
    </div>
  );
}

function keysOf(digit: (typeof DIGITS)[number]): string[] {
  const extreme = digit === 1 ? bindings.value.irrelevant : digit === 9 ? bindings.value.relevant : [];
  return [...bindings.value[`score-${digit}`], ...extreme];
}
