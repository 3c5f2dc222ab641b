// The threshold of a session that the user has set in this browser, and what it gives; until then it is the fit's own.

import { signal, useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { threshold as askThreshold } from "../api/calls.ts";
import type { Seat } from "../api/calls.ts";
import type { Insight } from "../api/types.ts";
import { asNumber, forget, keep, kept, local } from "../storage.ts";
import { outcomeAt } from "../thresholds.ts";
import type { Outcome } from "../thresholds.ts";

export interface ChosenThreshold {
  chosen: Signal<number | null>;
  choose: (score: number | null) => void;
}

/** The chosen threshold of a session. */
export function thresholdOf({ project, session }: { project: string; session: string }): ChosenThreshold {
  const name = `linprobe/threshold/${encodeURIComponent(project)}/${encodeURIComponent(session)}`;
  const chosen = signal(kept(local, name, asNumber));
  const choose = (score: number | null) => {
    chosen.value = score;
    if (score === null) forget(local, name);
    else keep(local, name, score);
  };
  return { chosen, choose };
}

/** A threshold that has stood for this long is asked about. */
const SETTLED_MS = 150;

/** What a threshold gives: at once from the table of the fit, and counted by the server once it stands still. */
export function useOutcome(seat: Seat, insight: Insight, threshold: number): Outcome | null {
  const counted = useSignal<{ insight: Insight; threshold: number; outcome: Outcome } | null>(null);
  const own = threshold === insight.threshold;
  useEffect(() => {
    if (own) return undefined;
    const control = new AbortController();
    const ask = async () => {
      try {
        const outcome = await askThreshold(seat, "score", threshold, control.signal);
        if (!control.signal.aborted) counted.value = { insight, threshold, outcome };
      } catch {
        // What the table says stays.
      }
    };
    const timer = setTimeout(() => void ask(), SETTLED_MS);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [insight, threshold]);
  if (own) return insight;
  const known = counted.value;
  if (known?.insight === insight && known.threshold === threshold) return known.outcome;
  return outcomeAt(insight.thresholds, threshold);
}
