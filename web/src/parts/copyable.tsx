// Code to take away.

import type { JSX } from "preact";
import { useRef } from "preact/hooks";

import { note } from "../state/ui.ts";

export function Copyable({ text, label }: { text: string; label: string }): JSX.Element {
  const code = useRef<HTMLPreElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      note("done", "copied");
    } catch {
      // Without leave to write, or over an address that is not secure: the user copies what is marked.
      if (code.current !== null) getSelection()?.selectAllChildren(code.current);
      note("done", "the code is marked: press ctrl c to copy it");
    }
  };
  return (
    <div class="copyable">
      <pre ref={code} tabIndex={0} role="region" aria-label={label}>
        <code>{text}</code>
      </pre>
      <button type="button" class="button small" onClick={() => void copy()}>
        Copy
      </button>
    </div>
  );
}
