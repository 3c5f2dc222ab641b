// The threshold of a session that the user has set in this browser; until then it is the fit's own.

import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";

import { asNumber, forget, keep, kept } from "../storage.ts";

export interface ChosenThreshold {
  chosen: Signal<number | null>;
  choose: (score: number | null) => void;
}

/** The chosen threshold of a session. */
export function thresholdOf({ project, session }: { project: string; session: string }): ChosenThreshold {
  const name = `linprobe/threshold/${encodeURIComponent(project)}/${encodeURIComponent(session)}`;
  const chosen = signal(kept(localStorage, name, asNumber));
  const choose = (score: number | null) => {
    chosen.value = score;
    if (score === null) forget(localStorage, name);
    else keep(localStorage, name, score);
  };
  return { chosen, choose };
}
