// Whether to go on labelling, in words.

import type { JSX } from "preact";

import type { Insight } from "../api/types.ts";

const VERDICTS: Record<Insight["advice"]["verdict"], { sign: string; words: string }> = {
  "keep-going": { sign: "→", words: "Keep going" },
  "audit-now": { sign: "?", words: "Time for an audit" },
  "could-stop": { sign: "✓", words: "You could stop" },
};

export function Advice({ advice }: Pick<Insight, "advice">): JSX.Element {
  const { sign, words } = VERDICTS[advice.verdict];
  return (
    <div class={`advice advice-${advice.verdict}`}>
      <p class="advice-verdict">
        <span aria-hidden="true">{sign}</span> {words}
      </p>
      {advice.reasons.length > 0 && (
        <ul class="advice-reasons">
          {advice.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** The verdict in one line, where there is no room for reasons. */
export const verdictWords = ({ advice }: Pick<Insight, "advice">): string => VERDICTS[advice.verdict].words;
