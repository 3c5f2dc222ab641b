// All keys, what they do, and a way to bind others.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { ACTION_NAMES, ACTIONS, defaultBindings, keyLabel, keyName, parseBindings, rebind } from "../keys.ts";
import type { Action } from "../keys.ts";
import { announce, bindings, note } from "../state/ui.ts";
import { takeFiles } from "./files.ts";

export function KeySettings(): JSX.Element {
  return (
    <>
      <KeyTable />
      <KeyFiles />
    </>
  );
}

const GROUPS = [...new Set(ACTION_NAMES.map((action) => ACTIONS[action].group))];

function KeyTable(): JSX.Element {
  const [waiting, setWaiting] = useState<Action | null>(null);
  const bind = (event: KeyboardEvent, action: Action) => {
    if (waiting !== action) return;
    const key = keyName(event);
    if (key === null || key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    setWaiting(null);
    if (key === "Escape") return;
    const { bindings: next, taken } = rebind(bindings.value, action, key);
    bindings.value = next;
    const lost = taken === null ? "" : `; “${ACTIONS[taken].label}” has lost it`;
    announce(`${keyLabel(key)} is now “${ACTIONS[action].label}”${lost}`);
    if (taken !== null) note("done", `${keyLabel(key)} is now “${ACTIONS[action].label}”${lost}`);
  };
  return (
    <div class="key-groups">
      {GROUPS.map((group) => (
        <section key={group}>
          <h3>{group}</h3>
          <ul class="plain key-list">
            {ACTION_NAMES.filter((action) => ACTIONS[action].group === group).map((action) => (
              <li key={action}>
                <span>{ACTIONS[action].label}</span>
                <button
                  type="button"
                  class={`key-bind ${waiting === action ? "is-waiting" : ""}`}
                  aria-label={`${ACTIONS[action].label}: ${bindings.value[action].map(keyLabel).join(" or ") || "no key"}. Bind another key`}
                  onClick={() => setWaiting(action)}
                  onBlur={() => setWaiting(null)}
                  onKeyDown={(event) => bind(event, action)}
                >
                  {waiting === action ? "press a key" : <KeyCaps action={action} />}
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function KeyCaps({ action }: { action: Action }): JSX.Element {
  const keys = bindings.value[action];
  if (keys.length === 0) return <span class="soft">none</span>;
  return (
    <>
      {keys.map((key) => (
        <kbd key={key}>{keyLabel(key)}</kbd>
      ))}
    </>
  );
}

/** Keys in and out as JSON. */
function KeyFiles(): JSX.Element {
  const file = useRef<HTMLInputElement>(null);
  const read = async (chosen: File | undefined) => {
    const keys = chosen === undefined ? null : parseJson(await chosen.text());
    if (keys === null)
      note(
        "error",
        "the file does not bind keys",
        'it looks like {"fit": ["Enter"], "skip": ["Space"]}, with each key once',
      );
    else {
      bindings.value = keys;
      note("done", "keys imported");
    }
  };
  return (
    <p class="row">
      <button type="button" class="button" onClick={saveKeys}>
        Export keys
      </button>
      <button type="button" class="button" onClick={() => file.current?.click()}>
        Import keys
      </button>
      <button type="button" class="button" onClick={() => (bindings.value = defaultBindings())}>
        Reset keys
      </button>
      <input
        ref={file}
        hidden
        type="file"
        accept="application/json,.json"
        aria-label="A file of keys"
        onChange={(event) => void read(takeFiles(event.currentTarget)[0])}
      />
    </p>
  );
}

function parseJson(text: string): ReturnType<typeof parseBindings> {
  try {
    return parseBindings(JSON.parse(text));
  } catch {
    return null;
  }
}

function saveKeys(): void {
  const url = URL.createObjectURL(
    new Blob([JSON.stringify(bindings.value, null, 2)], { type: "application/json" }),
  );
  const link = Object.assign(document.createElement("a"), { href: url, download: "linprobe-keys.json" });
  link.click();
  URL.revokeObjectURL(url);
}
