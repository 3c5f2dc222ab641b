// Puts a dataset into a project.

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { startJob } from "../api/calls.ts";
import type { NewJob, ProjectSummary } from "../api/types.ts";
import { report } from "../state/ui.ts";

const COLUMNS: { name: "text_column" | "id_column" | "label_column"; words: string }[] = [
  { name: "text_column", words: "Column of texts" },
  { name: "id_column", words: "Column of ids" },
  { name: "label_column", words: "Column of classes" },
];

export function IndexForm({
  project,
  onStart,
}: {
  project: ProjectSummary;
  onStart: () => void;
}): JSX.Element {
  const [request, setRequest] = useState<NewJob>({ source: "" });
  const set = (name: keyof Omit<NewJob, "prune">, value: string) =>
    setRequest({ ...request, [name]: value === "" && name !== "source" ? undefined : value });
  const start = async () => {
    try {
      await startJob(project.slug, request);
      onStart();
    } catch (error) {
      report(error);
    }
  };
  return (
    <details class="block index-form" open={project.status === "empty"}>
      <summary>
        <h2>{project.status === "empty" ? "Index a dataset" : "Index more"}</h2>
      </summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <label class="field">
          <span>
            Folder of pictures, or a file: .csv .tsv .jsonl .txt .parquet .tar .npy .npz .safetensors
          </span>
          <input
            required
            value={request.source}
            placeholder="a path on the machine that serves this page"
            onInput={(event) => set("source", event.currentTarget.value)}
          />
        </label>
        <div class="row">
          {COLUMNS.map(({ name, words }) => (
            <label key={name} class="field">
              <span>{words}</span>
              <input
                value={request[name] ?? ""}
                placeholder="found by name"
                onInput={(event) => set(name, event.currentTarget.value)}
              />
            </label>
          ))}
          {project.model === null && (
            <label class="field">
              <span>Model</span>
              <input
                value={request.model ?? ""}
                placeholder="chosen by the dataset"
                onInput={(event) => set("model", event.currentTarget.value)}
              />
            </label>
          )}
        </div>
        {project.status !== "empty" && (
          <label class="inline-field">
            <input
              type="checkbox"
              checked={request.prune === true}
              onChange={(event) => setRequest({ ...request, prune: event.currentTarget.checked })}
            />
            <span>Remove records that the dataset no longer has; those that a session has shown stay</span>
          </label>
        )}
        <button type="submit" class="button primary">
          Index
        </button>
      </form>
    </details>
  );
}
