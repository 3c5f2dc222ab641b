// Light or dark.

import { effect, signal } from "@preact/signals";

import { asString, keep, kept, local } from "../storage.ts";

export type Theme = "system" | "light" | "dark";
const THEME = "linprobe/theme";
const asTheme = (value: unknown): Theme | null => {
  const name = asString(value);
  return name === "light" || name === "dark" || name === "system" ? name : null;
};

/** What the user has chosen for the page. */
export const theme = signal<Theme>(kept(local, THEME, asTheme) ?? "system");

/** Whether it is dark now; plots, which are drawn and not styled, watch it. */
export const dark = signal(false);

/** Shows the page as the user has chosen, from now on. */
export function showTheme(): void {
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    dark.value = theme.value === "dark" || (theme.value === "system" && systemIsDark.matches);
    document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
  };
  effect(() => {
    keep(local, THEME, theme.value);
    show();
  });
  systemIsDark.addEventListener("change", show);
}
