// Whether every answer has arrived, in words and in a sign, on every page.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { far } from "../api/transport.ts";
import { plural } from "../format.ts";
import type { Lane } from "../queue.ts";
import { queue } from "../state/saving.ts";
import { announce } from "../state/ui.ts";
import { Dialog } from "./dialog.tsx";
import { ProblemWords } from "./problem.tsx";

export function SaveState(): JSX.Element {
  const [open, setOpen] = useState(false);
  const lanes = [...queue.lanes.value.entries()];
  const state = worst(lanes.map(([, lane]) => lane));
  useSpoken(state);
  return (
    <>
      <button
        type="button"
        class={`save-state save-${state}`}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        <span class="save-sign" aria-hidden="true" />
        <span>{words(state, queue.unsaved.value)}</span>
      </button>
      {open && (
        <Dialog title="Unsaved answers" onClose={() => setOpen(false)}>
          {queue.volatile.value && (
            <p class="hint">
              This browser keeps nothing: answers that are not saved are lost when the page is closed.
            </p>
          )}
          {lanes.length === 0 && <p>The {far()} has every answer.</p>}
          <ul class="plain">
            {lanes.map(([name, lane]) => (
              <LaneRow key={name} name={name} lane={lane} />
            ))}
          </ul>
        </Dialog>
      )}
    </>
  );
}

/** Says when answers begin to wait, and when the server has them after all; that it saves is no news. */
function useSpoken(state: State): void {
  const trouble = useRef(false);
  useEffect(() => {
    if (state === "waiting") announce(`The ${far()} does not answer. Your answers are kept here.`);
    if (state === "stuck") announce(`The ${far()} refuses answers. They are kept here.`);
    if (state === "saved" && trouble.current) announce(`The ${far()} has every answer again.`);
    if (state !== "sending") trouble.current = state !== "saved";
  }, [state]);
}

function LaneRow({ name, lane }: { name: string; lane: Lane }): JSX.Element {
  return (
    <li class="lane">
      <p>
        <strong>{plural(lane.ops.length, "answer")}</strong> for {lane.seat.session} in {lane.seat.project}:{" "}
        {lane.state === "waiting" &&
          `the ${far()} does not answer; they are kept in this browser and sent when it does.`}
        {lane.state === "sending" && "on the way."}
        {lane.state === "stuck" && `the ${far()} will not take them.`}
      </p>
      <ProblemWords problem={lane.problem} />
      {lane.state === "stuck" && (
        <p class="row">
          <button type="button" class="button" onClick={() => queue.retry(name)}>
            Try again
          </button>
          <button type="button" class="button danger" onClick={() => queue.discard(name)}>
            Give them up
          </button>
        </p>
      )}
    </li>
  );
}

type State = "saved" | Lane["state"];
const ORDER: State[] = ["saved", "sending", "waiting", "stuck"];

function worst(lanes: Lane[]): State {
  return lanes.reduce<State>(
    (all, { state }) => (ORDER.indexOf(state) > ORDER.indexOf(all) ? state : all),
    "saved",
  );
}

function words(state: State, n: number): string {
  switch (state) {
    case "saved":
      return "All saved";
    case "sending":
      return `Saving ${n}`;
    case "waiting":
      return `${n} not saved, retrying`;
    case "stuck":
      return `${n} refused`;
  }
}
