// Finds records that are examples, or counterexamples, of what is looked for.

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { records as askRecords, search } from "../api/calls.ts";
import type { LinRecord, ProjectSummary, RecordPage } from "../api/types.ts";
import { titleOf } from "../format.ts";
import type { Example } from "../starts.ts";
import { useResource } from "../state/resource.ts";
import { Thumb } from "./media.tsx";
import { Show } from "./states.tsx";

interface ExamplePickerProps {
  project: ProjectSummary;
  examples: Example[];
  onChange: (examples: Example[]) => void;
}

const N_SHOWN = 12;

export function ExamplePicker({ project, examples, onChange }: ExamplePickerProps): JSX.Element {
  const [wanted, setWanted] = useState("");
  const [after, setAfter] = useState<string | undefined>(undefined);
  const found = useResource(`${wanted}\n${after ?? ""}`, (signal) =>
    find({ slug: project.slug, wanted, after }, signal),
  );
  const toggle = (record: LinRecord, side: Example["side"]) => {
    const others = examples.filter(({ id }) => id !== record.id);
    const had = examples.some((example) => example.id === record.id && example.side === side);
    onChange(had ? others : [...others, { from: "record", id: record.id, name: titleOf(record), side }]);
  };
  return (
    <section class="picker" aria-label="Examples from the dataset">
      {project.model?.takes_text === true && (
        <label class="field">
          <span>Find examples in the dataset</span>
          <input
            type="search"
            value={wanted}
            placeholder="words"
            onChange={(event) => {
              setWanted(event.currentTarget.value);
              setAfter(undefined);
            }}
          />
        </label>
      )}
      <Show loaded={found.loaded.value} retry={found.reload}>
        {({ records, next }) => (
          <>
            <ul class="plain picker-list">
              {records.map((record) => (
                <li key={record.id}>
                  <Thumb project={project.slug} record={record} />
                  <SideButtons record={record} examples={examples} onToggle={toggle} />
                </li>
              ))}
            </ul>
            <p class="row">
              {after !== undefined && (
                <button type="button" class="button small" onClick={() => setAfter(undefined)}>
                  From the start
                </button>
              )}
              {next != null && (
                <button type="button" class="button small" onClick={() => setAfter(next)}>
                  More records
                </button>
              )}
            </p>
          </>
        )}
      </Show>
    </section>
  );
}

interface SideButtonsProps {
  record: LinRecord;
  examples: Example[];
  onToggle: (record: LinRecord, side: Example["side"]) => void;
}

function SideButtons({ record, examples, onToggle }: SideButtonsProps): JSX.Element {
  const side = examples.find(({ id }) => id === record.id)?.side;
  return (
    <span class="picker-sides">
      <button
        type="button"
        class="button small"
        aria-pressed={side === "like"}
        aria-label={`Like ${titleOf(record)}`}
        onClick={() => onToggle(record, "like")}
      >
        + like
      </button>
      <button
        type="button"
        class="button small"
        aria-pressed={side === "unlike"}
        aria-label={`Unlike ${titleOf(record)}`}
        onClick={() => onToggle(record, "unlike")}
      >
        − unlike
      </button>
    </span>
  );
}

async function find(
  { slug, wanted, after }: { slug: string; wanted: string; after: string | undefined },
  signal: AbortSignal,
): Promise<RecordPage> {
  if (wanted.trim() === "")
    return askRecords(slug, { limit: N_SHOWN, ...(after === undefined ? {} : { after }) }, signal);
  const { hits } = await search(slug, { phrases: [wanted.trim()] }, N_SHOWN, signal);
  return { records: hits.map(({ record }) => record) };
}
