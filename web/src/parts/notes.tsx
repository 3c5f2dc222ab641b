// Notes at the edge of the page: what went wrong, what was done.

import type { JSX } from "preact";

import { dismiss, notes } from "../state/ui.ts";
import { Detail } from "./problem.tsx";

export function Notes(): JSX.Element {
  return (
    // The box is there before its first note, or that one would not be read.
    <div class="notes" role="log" aria-label="Notes">
      {notes.value.map(({ id, kind, detail, hint }) => (
        <div key={id} class={`note note-${kind}`} role={kind === "error" ? "alert" : undefined}>
          <div>
            <Detail words={detail} />
            {hint !== undefined && <p class="hint">{hint}</p>}
          </div>
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
