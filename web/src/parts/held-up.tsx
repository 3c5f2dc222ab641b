// Beside a button whose work waits for the far end to have every answer: why nothing happens.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { far } from "../api/transport.ts";
import type { Answers } from "../state/answers.ts";
import { announce } from "../state/ui.ts";

interface HeldUpProps {
  answers: Answers;
  /** What comes once the server has every answer. */
  then: string;
}

export function HeldUp({ answers, then }: HeldUpProps): JSX.Element | null {
  return answers.heldUp.value ? <Words then={then} /> : null;
}

function Words({ then }: Pick<HeldUpProps, "then">): JSX.Element {
  const words = `The ${far()} does not answer. Your answers are kept here, and ${then} once it has them.`;
  useEffect(() => announce(words), [words]);
  return <p class="actions-ask">{words}</p>;
}
