// The server's own words on what is wrong, with the remedy.

import type { JSX } from "preact";

import type { Problem } from "../api/types.ts";

/** What is wrong; of more than one line, where a mark stands below what it marks, each as it is. */
export function Detail({ words }: { words: string }): JSX.Element {
  return <p class={words.includes("\n") ? "detail-lines" : undefined}>{words}</p>;
}

export function ProblemWords({ problem }: { problem: Problem | null | undefined }): JSX.Element | null {
  if (problem === null || problem === undefined) return null;
  const hint = problem.hint ?? "";
  return (
    <div class="problem" role="alert">
      <Detail words={problem.detail} />
      {hint !== "" && <p class="hint">{hint}</p>}
    </div>
  );
}
