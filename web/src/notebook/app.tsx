// The label view of one session in a notebook, with what the page has around it and is needed here: whether all is saved, keys,
// notes, and the voice.

import { signal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useErrorBoundary, useMemo, useState } from "preact/hooks";

import { project as askProject } from "../api/calls.ts";
import type { Seat } from "../api/calls.ts";
import { wordsOf } from "../api/client.ts";
import { Dialog } from "../parts/dialog.tsx";
import { KeySettings } from "../parts/key-settings.tsx";
import { Key, useKeys } from "../parts/key.tsx";
import { Notes } from "../parts/notes.tsx";
import { SaveState } from "../parts/save-state.tsx";
import { useLabelling } from "../state/labelling.ts";
import { useResource } from "../state/resource.ts";
import { announcement } from "../state/ui.ts";
import { LabelView } from "../views/label.tsx";
import type { Messages } from "./messages.ts";

interface NotebookProps {
  seat: Seat;
  messages: Messages;
  /** Gives the focus back to the widget where a card that had it is gone. */
  refocus: () => void;
}

export function Notebook(props: NotebookProps): JSX.Element {
  const [error] = useErrorBoundary() as [unknown, () => void];
  return error === undefined ? <Labels {...props} /> : <Broken error={error} />;
}

function Labels({ seat, messages, refocus }: NotebookProps): JSX.Element {
  const labelling = useLabelling(seat);
  const { loaded } = useResource(seat.project, (signal) => askProject(seat.project, signal));
  const threshold = useMemo(() => {
    const chosen = signal<number | null>(null);
    return { chosen, choose: (score: number | null) => void (chosen.value = score) };
  }, [seat]);
  useEffect(() => messages.onChange(() => void labelling.open()), [messages, labelling]);
  useSignalEffect(() => {
    if (labelling.phase.value !== "opening") refocus();
  });
  const kind = loaded.value.state === "here" ? (loaded.value.value.kind ?? null) : null;
  return (
    <>
      <header class="widget-bar">
        <h1>{seat.session}</h1>
        <SaveState />
        <Keys />
      </header>
      <div class="widget-main">
        <LabelView labelling={labelling} threshold={threshold} kind={kind} />
      </div>
      <Notes />
      <p class="sr-only" role="status" aria-live="polite">
        {announcement.value}
      </p>
    </>
  );
}

function Keys(): JSX.Element {
  const [open, setOpen] = useState(false);
  useKeys({ help: () => setOpen(true) });
  return (
    <>
      <button type="button" class="quiet" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <span>Keys</span> <Key action="help" />
      </button>
      {open && (
        <Dialog title="Keys" size="wide" onClose={() => setOpen(false)}>
          <KeySettings />
        </Dialog>
      )}
    </>
  );
}

/** What a mistake of ours leaves: its words. */
export function Broken({ error }: { error: unknown }): JSX.Element {
  const { detail } = wordsOf(error);
  return (
    <div class="empty failure" role="alert">
      <h2>The cards cannot be shown</h2>
      <p>{detail}</p>
      <p class="hint">Every label that was acknowledged is saved. Run the cell again.</p>
    </div>
  );
}
