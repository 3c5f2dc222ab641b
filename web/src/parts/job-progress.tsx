// An index job as it goes on, told by the server as it happens.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { cancelJob, jobEvents } from "../api/calls.ts";
import type { Job } from "../api/types.ts";
import { count, plural } from "../format.ts";
import { note, report } from "../state/ui.ts";
import { ProblemWords } from "./problem.tsx";

interface JobProgressProps {
  project: string;
  job: Job;
  onDone: () => void;
  /** Is called when the server knows the job no more. */
  onLost: () => void;
}

const STATES: Record<Job["state"], string> = {
  running: "Indexing",
  done: "Indexed",
  failed: "Failed",
  cancelled: "Cancelled",
};

export function JobProgress({ project, job, onDone, onLost }: JobProgressProps): JSX.Element {
  const latest = useSignal(job);
  const silent = useSignal(false);
  useEffect(() => {
    if (job.state !== "running") return undefined;
    const events = new EventSource(jobEvents(project, job.id));
    events.addEventListener("open", () => void (silent.value = false));
    events.addEventListener("error", () => {
      silent.value = events.readyState === EventSource.CONNECTING;
      if (events.readyState !== EventSource.CLOSED) return;
      note("error", "the server was restarted; index again to go on");
      onLost();
    });
    events.addEventListener("progress", (event) => {
      latest.value = JSON.parse(event.data as string) as Job;
      if (latest.value.state === "running") return;
      events.close();
      onDone();
    });
    return () => events.close();
  }, [project, job.id]);
  const { state, n_done, n_total, n_skipped, n_pruned, records_per_second, source } = latest.value;
  const { notes = [], problem } = latest.value;
  return (
    <section class={`job job-${state}`} aria-label={`Index job of ${source}`}>
      <p class="job-line">
        <strong>{STATES[state]}</strong> <code>{source}</code>
        <span class="num">
          {count(n_done)}
          {n_total != null && ` of ${count(n_total)}`}
        </span>
        {state === "running" && records_per_second > 0 && (
          <span class="soft num">{count(records_per_second)} a second</span>
        )}
        {n_skipped > 0 && <span class="soft">{plural(n_skipped, "record")} skipped</span>}
        {n_pruned > 0 && <span class="soft">{plural(n_pruned, "record")} removed</span>}
        {state === "running" && (
          <button
            type="button"
            class="button small"
            onClick={() => void cancelJob(project, job.id).catch(report)}
          >
            Cancel
          </button>
        )}
      </p>
      {state === "running" && (
        <progress
          aria-label="Records indexed"
          max={n_total ?? undefined}
          value={n_total == null ? undefined : n_done}
        />
      )}
      {silent.value && (
        <p class="soft" role="status">
          The server does not answer; what it says is shown as soon as it does.
        </p>
      )}
      {notes.map((words) => (
        <p key={words} class="soft">
          {words}
        </p>
      ))}
      <ProblemWords problem={problem} />
    </section>
  );
}
