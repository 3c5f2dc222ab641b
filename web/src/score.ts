// Scores of labels: -1 is irrelevant, +1 is relevant. The nine digits stand on a scale of quarters.

export const MIN = -1;
export const MAX = 1;
const KEY_STEP = 0.25;
/** How far a fine step goes, by keys and on the slider. */
export const FINE_STEP = 0.05;

/** The score of a digit key: 1 is -1, 5 is 0, 9 is +1. */
export function scoreOfDigit(digit: number): number {
  return (digit - 5) * KEY_STEP;
}

/** The digit whose score is nearest. */
export function digitOfScore(score: number): number {
  return Math.round(clamp(score) / KEY_STEP) + 5;
}

/** What the model would answer, on the scale of the digits. */
export function scoreOfModel(probability: number): number {
  return scoreOfDigit(digitOfScore(2 * probability - 1));
}

/** A step along the slider, rounded so that steps back and forth meet. */
export function nudge(score: number, step: number): number {
  return clamp(Math.round((score + step) * 100) / 100);
}

export function clamp(score: number): number {
  return Math.min(MAX, Math.max(MIN, score));
}

/** `+0.50`, `0`, `−1`: as short as it can be, always with a sign. */
export function scoreText(score: number): string {
  const rounded = Math.round(score * 100) / 100;
  if (rounded === 0) return "0";
  const digits = Number.isInteger(rounded) ? String(Math.abs(rounded)) : Math.abs(rounded).toFixed(2);
  return `${rounded < 0 ? "−" : "+"}${digits}`;
}

/** The score in words, for those who hear it. */
export function scoreWords(score: number): string {
  if (score === 0) return "0, undecided";
  const strength = Math.abs(score) === 1 ? "" : Math.abs(score) >= 0.5 ? "rather " : "slightly ";
  return `${scoreText(score)}, ${strength}${score > 0 ? "relevant" : "irrelevant"}`;
}

/** Which way a score leans, for a style: the amount goes into `--m`. */
export function lean(score: number): "pos" | "neg" | "mid" {
  if (score > 0) return "pos";
  return score < 0 ? "neg" : "mid";
}
