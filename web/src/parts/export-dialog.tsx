// Takes the classifier, its predictions or the labels away, with the code that uses the file.

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { exportUrl, snippets as askSnippets } from "../api/calls.ts";
import type { Seat } from "../api/calls.ts";
import type { Snippets } from "../api/types.ts";
import { logit } from "../format.ts";
import { useResource } from "../state/resource.ts";
import { Copyable } from "./copyable.tsx";
import { Dialog } from "./dialog.tsx";
import { Show } from "./states.tsx";

interface ExportDialogProps {
  seat: Seat;
  threshold: number;
  onClose: () => void;
}

const CLASSIFIER_FORMATS = ["safetensors", "json", "onnx", "npz", "torch"] as const;
const PREDICTION_FORMATS = ["csv", "jsonl", "parquet"] as const;
const LABEL_FORMATS = ["csv", "jsonl", "parquet", "prodigy", "label-studio", "fiftyone"] as const;

export function ExportDialog({ seat, threshold, onClose }: ExportDialogProps): JSX.Element {
  const [format, setFormat] = useState<(typeof CLASSIFIER_FORMATS)[number]>("safetensors");
  const [only, setOnly] = useState<"positive" | "all">("positive");
  return (
    <Dialog title="Export" size="wide" onClose={onClose}>
      <p class="soft">At or above {logit(threshold)} is positive.</p>
      <section class="export-part">
        <h3>Classifier</h3>
        <div class="row">
          <Choice
            name="classifier-format"
            label="Format"
            options={CLASSIFIER_FORMATS}
            value={format}
            onChange={setFormat}
          />
          <a class="button primary" href={exportUrl(seat, "export", { format, threshold })} download>
            Download classifier
          </a>
        </div>
        <CodeSnippets seat={seat} file={{ format, threshold }} />
      </section>
      <section class="export-part">
        <h3>Predictions</h3>
        <div class="row">
          <Choice
            name="only"
            label="Records"
            options={["positive", "all"] as const}
            value={only}
            onChange={setOnly}
          />
          {PREDICTION_FORMATS.map((kind) => (
            <a
              key={kind}
              class="button"
              href={exportUrl(seat, "export-predictions", { format: kind, threshold, only })}
              download
            >
              {kind}
            </a>
          ))}
        </div>
      </section>
      <section class="export-part">
        <h3>Labels</h3>
        <div class="row">
          {LABEL_FORMATS.map((kind) => (
            <a key={kind} class="button" href={exportUrl(seat, "export-labels", { format: kind })} download>
              {kind}
            </a>
          ))}
        </div>
      </section>
    </Dialog>
  );
}

interface ChoiceProps<T extends string> {
  name: string;
  label: string;
  options: readonly T[];
  value: T;
  onChange: (value: T) => void;
}

function Choice<T extends string>({ name, label, options, value, onChange }: ChoiceProps<T>): JSX.Element {
  return (
    <fieldset class="choice">
      <legend class="sr-only">{label}</legend>
      {options.map((option) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
          <span>{option}</span>
        </label>
      ))}
    </fieldset>
  );
}

const LANGUAGES: { language: keyof Snippets; words: string }[] = [
  { language: "python", words: "Python" },
  { language: "rust", words: "Rust" },
  { language: "sql", words: "SQL (pgvector)" },
  { language: "qdrant", words: "Qdrant" },
  { language: "milvus", words: "Milvus" },
  { language: "pinecone", words: "Pinecone" },
];

function CodeSnippets({
  seat,
  file,
}: {
  seat: Seat;
  file: { format: string; threshold: number };
}): JSX.Element {
  const [language, setLanguage] = useState<keyof Snippets>("python");
  const { loaded, reload } = useResource(`${file.format} ${file.threshold}`, (signal) =>
    askSnippets(seat, file, signal),
  );
  return (
    <div class="snippets">
      <div class="tabs" role="group" aria-label="Language">
        {LANGUAGES.map(({ language: name, words }) => (
          <button key={name} type="button" aria-pressed={name === language} onClick={() => setLanguage(name)}>
            {words}
          </button>
        ))}
      </div>
      <Show loaded={loaded.value} retry={reload}>
        {(snippets) => <Copyable text={snippets[language]} label={`Code in ${language}`} />}
      </Show>
    </div>
  );
}
