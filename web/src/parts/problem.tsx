// The server's own words on what is wrong, with the remedy.

import type { JSX } from "preact";

import type { Problem } from "../api/types.ts";

export function ProblemWords({ problem }: { problem: Problem | null | undefined }): JSX.Element | null {
  if (problem === null || problem === undefined) return null;
  const hint = problem.hint ?? "";
  return (
    <div class="problem" role="alert">
      <p>{problem.detail}</p>
      {hint !== "" && <p class="hint">{hint}</p>}
    </div>
  );
}
