import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { Job } from "../api/types.ts";
import { notes } from "../state/ui.ts";
import { JobProgress } from "./job-progress.tsx";

/** A stream of events whose end is in the hands of the test. */
class Stream extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly CLOSED = 2;
  static latest: Stream;
  readyState = 1;

  constructor() {
    super();
    Stream.latest = this;
  }

  close(): void {
    this.readyState = Stream.CLOSED;
  }
}

const lost = vi.fn();

beforeEach(async () => {
  vi.stubGlobal("EventSource", Stream);
  const job = { id: "1", state: "running", source: "a.csv", n_done: 3, n_skipped: 0, n_pruned: 0 };
  await act(() =>
    render(
      <JobProgress project="p" job={job as unknown as Job} onDone={vi.fn()} onLost={lost} />,
      document.body,
    ),
  );
});

afterEach(() => {
  render(null, document.body);
  notes.value = [];
  lost.mockReset();
  vi.unstubAllGlobals();
});

async function hear(type: string, readyState: number): Promise<void> {
  Stream.latest.readyState = readyState;
  await act(() => void Stream.latest.dispatchEvent(new Event(type)));
}

const words = () => document.querySelector("[role=status]")?.textContent ?? null;

it("says that the server does not answer for as long as it does not", async () => {
  expect(words()).toBeNull();
  await hear("error", Stream.CONNECTING);
  expect(words()).toMatch(/does not answer/);
  await hear("open", 1);
  expect([words(), lost.mock.calls.length]).toEqual([null, 0]);
});

it("says that the job is gone when the server knows it no more", async () => {
  await hear("error", Stream.CONNECTING);
  await hear("error", Stream.CLOSED);
  expect([words(), lost.mock.calls.length]).toEqual([null, 1]);
  expect(notes.value.map(({ detail }) => detail)).toEqual(["the server was restarted; index again to go on"]);
});
