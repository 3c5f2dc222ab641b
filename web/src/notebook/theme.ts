// Light or dark, as the notebook is. Every notebook has a way of its own to say so, but all of them write light on dark or dark
// on light: the colour of the text tells.

import { dark } from "../state/theme.ts";

/** Watches whether the text around an element is light, until the function that it gives is called. */
export function followTheme(element: Element): () => void {
  const look = () => void (dark.value = isLight(getComputedStyle(element).color));
  look();
  const attributes = new MutationObserver(look);
  for (const watched of [document.documentElement, document.body])
    attributes.observe(watched, { attributes: true, attributeFilter: ["class", "style", "theme", ...DATA] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", look);
  // The first look may come before the styles.
  const later = setTimeout(look, 500);
  return () => {
    clearTimeout(later);
    attributes.disconnect();
    system.removeEventListener("change", look);
  };
}

/** What JupyterLab, VS Code and others set when their theme changes. */
const DATA = [
  "data-jp-theme-light",
  "data-jp-theme-name",
  "data-vscode-theme-kind",
  "data-theme",
  "data-color-mode",
];

/** Whether a computed colour is lighter than middle grey. */
export function isLight(colour: string): boolean {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  const scale = colour.startsWith("color(") ? 255 : 1;
  return scale * (0.299 * red + 0.587 * green + 0.114 * blue) > 140;
}
