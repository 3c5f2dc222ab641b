// What the whole page shares: where it is, how it looks, what it says aloud, which keys it knows.

import { effect, signal } from "@preact/signals";

import { wordsOf } from "../api/client.ts";
import { defaultBindings, parseBindings } from "../keys.ts";
import { parseRoute } from "../route.ts";
import { asString, keep, kept } from "../storage.ts";

export const route = signal(parseRoute(location.hash));
addEventListener("hashchange", () => (route.value = parseRoute(location.hash)));

/** Goes to an address of `href`. */
export function goTo(address: string): void {
  location.hash = address;
}

export type Theme = "system" | "light" | "dark";
const THEME = "linprobe/theme";
const asTheme = (value: unknown): Theme | null => {
  const name = asString(value);
  return name === "light" || name === "dark" || name === "system" ? name : null;
};

export const theme = signal<Theme>(kept(localStorage, THEME, asTheme) ?? "system");
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
/** Whether the page is dark now; plots, which are drawn and not styled, watch it. */
export const dark = signal(false);

function showTheme(): void {
  dark.value = theme.value === "dark" || (theme.value === "system" && systemIsDark.matches);
  document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
}
effect(() => {
  keep(localStorage, THEME, theme.value);
  showTheme();
});
systemIsDark.addEventListener("change", showTheme);

const KEYS = "linprobe/keys";
export const bindings = signal(kept(localStorage, KEYS, parseBindings) ?? defaultBindings());
effect(() => void keep(localStorage, KEYS, bindings.value));

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
