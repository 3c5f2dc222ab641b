// Keys in a notebook: those pressed in the widget are the widget's, all others the notebook's.

import type { Stage } from "../parts/stage.ts";

/** Hears the keys of an element, and lets none of them out, until the function that it gives is called. */
export function ownKeys(host: HTMLElement, inside: HTMLElement): { stage: Stage; stop: () => void } {
  // JupyterLab looks for shortcuts before it lets go of a key: this tells it not to.
  host.dataset["lmSuppressShortcuts"] = "true";
  let owned = false;
  const look = (event: Event) => void (owned = event.composedPath().includes(host));
  const keep = (event: Event) => event.stopPropagation();
  for (const kind of LOOKS) document.addEventListener(kind, look, true);
  for (const kind of KEYS) host.addEventListener(kind, keep);
  const stop = () => {
    for (const kind of LOOKS) document.removeEventListener(kind, look, true);
    for (const kind of KEYS) host.removeEventListener(kind, keep);
  };
  // A card that had the focus and is gone has left it to nobody: the keys are still meant for the widget.
  return { stage: { keys: inside, hasKeyboard: () => owned }, stop };
}

const LOOKS = ["focusin", "pointerdown"] as const;
const KEYS = ["keydown", "keypress", "keyup"] as const;
