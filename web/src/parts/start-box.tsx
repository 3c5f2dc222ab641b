// The box that a session starts from: a sentence first, and whatever else says what is looked for.

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { classifiers as askClassifiers, createSession, importClassifier, upload } from "../api/calls.ts";
import type { ProjectSummary } from "../api/types.ts";
import { href } from "../route.ts";
import { EMPTY_DRAFT, phraseOf, startOf } from "../starts.ts";
import type { Draft, Example } from "../starts.ts";
import { useResource } from "../state/resource.ts";
import { note, report } from "../state/ui.ts";
import { goTo } from "../state/where.ts";
import { ExamplePicker } from "./example-picker.tsx";
import { takeFiles } from "./files.ts";

const N_PHRASES = 8;
/** The fields of the session stand below its form, beside those that search or import and must not start it. */
const FORM = "start";

export function StartBox({ project }: { project: ProjectSummary }): JSX.Element {
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const start = startOf(draft);
  const begin = async (from = start) => {
    if (from === null) return;
    setBusy(true);
    try {
      const session = await createSession(project.slug, {
        start: from,
        ...(draft.name.trim() === "" ? {} : { name: draft.name.trim() }),
      });
      goTo(href({ view: "session", project: project.slug, session: session.name, tab: "label" }));
    } catch (error) {
      setBusy(false);
      report(error);
    }
  };
  const addFiles = (files: Iterable<File>) =>
    void addUploads({
      project,
      files,
      onExample: (example) => setDraft((old) => ({ ...old, examples: [...old.examples, example] })),
    });
  const takesText = project.model?.takes_text === true;
  return (
    <section
      class="start-box"
      aria-label="Start"
      onPaste={(event) => pasted(event, addFiles)}
      {...dropTarget(addFiles)}
    >
      <form
        id={FORM}
        onSubmit={(event) => {
          event.preventDefault();
          void begin();
        }}
      >
        <h2>
          <label for="phrase">What are you looking for?</label>
        </h2>
        <div class="start-line">
          <input
            id="phrase"
            class="start-phrase"
            value={draft.phrase}
            disabled={!takesText}
            placeholder={
              takesText
                ? "a few words, such as “dogs in the snow”"
                : "this model takes no words: pick examples below"
            }
            autocomplete="off"
            onInput={(event) => change({ phrase: event.currentTarget.value })}
          />
          <button type="submit" class="button primary big" disabled={start === null || busy}>
            {busy ? "Starting…" : "Start"}
          </button>
        </div>
      </form>
      {takesText && (
        <Phrases project={project} onPhrase={(phrase) => void begin(startOf({ ...draft, phrase }))} />
      )}
      <Chosen
        examples={draft.examples}
        onRemove={(gone) => change({ examples: draft.examples.filter((example) => example !== gone) })}
      />
      <More project={project} draft={draft} change={change} addFiles={addFiles} />
    </section>
  );
}

function Phrases({
  project,
  onPhrase,
}: {
  project: ProjectSummary;
  onPhrase: (phrase: string) => void;
}): JSX.Element | null {
  const phrases = project.labels
    .map(({ name }) => phraseOf(name))
    .filter((phrase) => phrase !== null)
    .slice(0, N_PHRASES);
  if (phrases.length === 0) return null;
  return (
    <p class="start-phrases">
      <span class="soft">for example</span>
      {phrases.map((phrase) => (
        <button key={phrase} type="button" class="pill" onClick={() => onPhrase(phrase)}>
          {phrase}
        </button>
      ))}
    </p>
  );
}

function Chosen({
  examples,
  onRemove,
}: {
  examples: Example[];
  onRemove: (example: Example) => void;
}): JSX.Element | null {
  if (examples.length === 0) return null;
  return (
    <ul class="plain chosen" aria-label="Chosen examples">
      {examples.map((example) => (
        <li key={`${example.from} ${example.id}`} class={`chosen-${example.side}`}>
          <span>{example.side === "like" ? "+ like" : "− unlike"}</span> {example.name}
          <button
            type="button"
            class="quiet"
            aria-label={`Remove ${example.name}`}
            onClick={() => onRemove(example)}
          >
            ✕
          </button>
        </li>
      ))}
    </ul>
  );
}

interface MoreProps {
  project: ProjectSummary;
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  addFiles: (files: Iterable<File>) => void;
}

function More({ project, draft, change, addFiles }: MoreProps): JSX.Element {
  const model = project.model;
  const takesFiles = model != null && (model.takes_text || model.takes_images);
  return (
    <details class="start-more" open={model?.takes_text !== true}>
      <summary>Examples, what it is not, a classifier, some records only</summary>
      {model?.takes_text === true && (
        <div class="row">
          <PhrasesField
            words="Other words for it, one a line"
            value={draft.others}
            onInput={(others) => change({ others })}
          />
          <PhrasesField
            words="What it is not, one a line"
            value={draft.not}
            onInput={(not) => change({ not })}
          />
        </div>
      )}
      <ExamplePicker
        project={project}
        examples={draft.examples}
        onChange={(examples) => change({ examples })}
      />
      <div class="row">
        {takesFiles && (
          <label class="field">
            <span>A {model.takes_images ? "picture" : "text"} of your own; drop or paste works too</span>
            <input
              type="file"
              accept={model.takes_images ? "image/*,text/plain" : "text/plain"}
              multiple
              onChange={(event) => addFiles(takeFiles(event.currentTarget))}
            />
          </label>
        )}
        <label class="field">
          <span>Name of the session</span>
          <input
            form={FORM}
            value={draft.name}
            maxLength={80}
            placeholder="made from the words"
            onInput={(event) => change({ name: event.currentTarget.value })}
          />
        </label>
        <ClassifierField
          project={project}
          value={draft.classifier}
          onChange={(classifier) => change({ classifier })}
        />
      </div>
      <label class="field">
        <span>Only records where</span>
        <input
          form={FORM}
          value={draft.where}
          placeholder="split = 'train' and year > 2020"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => change({ where: event.currentTarget.value })}
        />
      </label>
    </details>
  );
}

function PhrasesField({
  words,
  value,
  onInput,
}: {
  words: string;
  value: string;
  onInput: (value: string) => void;
}): JSX.Element {
  return (
    <label class="field">
      <span>{words}</span>
      <textarea rows={2} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
  );
}

function ClassifierField({
  project,
  value,
  onChange,
}: {
  project: ProjectSummary;
  value: string;
  onChange: (name: string) => void;
}): JSX.Element {
  const { loaded, reload } = useResource(project.slug, (signal) => askClassifiers(project.slug, signal));
  const [wanted, setWanted] = useState("");
  const known = loaded.value.state === "here" ? loaded.value.value.classifiers : [];
  const take = async (file: File | undefined) => {
    if (file === undefined) return;
    try {
      const stem = file.name.replace(/\.[^.]*$/, "");
      const { name } = await importClassifier(project.slug, asked(stem, wanted.trim()), file);
      reload();
      onChange(name);
      note("done", `“${name}” is imported`);
    } catch (error) {
      report(error);
    }
  };
  return (
    <>
      <label class="field">
        <span>A classifier to start from</span>
        <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">none</option>
          {known.map(({ name, source }) => (
            <option key={name} value={name}>
              {name}
              {source === "imported" ? ", imported" : ""}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Import a classifier</span>
        <input
          type="file"
          accept=".safetensors,.json,.onnx,.npz,.pt,.pth,.bin"
          onChange={(event) => void take(takeFiles(event.currentTarget)[0])}
        />
      </label>
      <label class="field">
        <span>Its class, where the file has many</span>
        <input
          type="text"
          placeholder="a name, or a number from 0"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </label>
    </>
  );
}

const asked = (stem: string, wanted: string) =>
  wanted === "" ? { name: stem } : { name: `${stem} ${wanted}`, class: wanted };

interface Uploading {
  project: ProjectSummary;
  files: Iterable<File>;
  onExample: (example: Example) => void;
}

async function addUploads({ project, files, onExample }: Uploading): Promise<void> {
  for (const file of files) {
    try {
      const { upload: id } = await upload(project.slug, file);
      onExample({ from: "upload", id, name: file.name, side: "like" });
    } catch (error) {
      report(error);
    }
  }
}

function pasted(event: ClipboardEvent, addFiles: (files: File[]) => void): void {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  addFiles(files);
}

function dropTarget(addFiles: (files: File[]) => void) {
  return {
    onDragOver: (event: DragEvent) => event.preventDefault(),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      addFiles([...(event.dataTransfer?.files ?? [])]);
    },
  };
}
