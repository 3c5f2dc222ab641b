// What the whole page shares: what it says aloud, its notes, which keys it knows.

import { effect, signal } from "@preact/signals";

import { wordsOf } from "../api/client.ts";
import { defaultBindings, parseBindings } from "../keys.ts";
import { keep, kept, local } from "../storage.ts";

const KEYS = "linprobe/keys";
export const bindings = signal(kept(local, KEYS, parseBindings) ?? defaultBindings());
effect(() => void keep(local, KEYS, bindings.value));

/** What a screen reader says next. */
export const announcement = signal("");

/** Says something to those who hear the page. */
export function announce(words: string): void {
  // The same words twice are said twice only if they differ: a space that nobody hears.
  announcement.value = announcement.value === words ? `${words} ` : words;
}

export interface Note {
  id: number;
  kind: "error" | "done";
  detail: string;
  hint?: string | undefined;
}

export const notes = signal<Note[]>([]);
let lastNote = 0;

/** Shows a note until it is dismissed; one that is no error goes by itself. */
export function note(kind: Note["kind"], detail: string, hint?: string): void {
  lastNote += 1;
  const id = lastNote;
  notes.value = [...notes.value.filter((other) => other.detail !== detail), { id, kind, detail, hint }];
  if (kind === "done") setTimeout(() => dismiss(id), 5000);
}

export function dismiss(id: number): void {
  notes.value = notes.value.filter((other) => other.id !== id);
}

/** Shows what went wrong. */
export function report(error: unknown): void {
  const { detail, hint } = wordsOf(error);
  note("error", detail, hint);
}
