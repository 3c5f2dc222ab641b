// Keys on buttons, and keys that are pressed.

import type { JSX } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";

import { ACTIONS, actionOf, goesOn, keyLabel } from "../keys.ts";
import type { Action } from "../keys.ts";
import { bindings } from "../state/ui.ts";
import { Stage, treeOf } from "./stage.ts";

export type Handlers = Partial<Record<Action, () => void>>;

/**
 * Runs what a key is bound to while the view is shown, unless the key means something where the focus is. A key that
 * is held runs it once, but for what goes on by steps.
 */
export function useKeys(handlers: Handlers): void {
  const { keys } = useContext(Stage);
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const press = (event: Event) => {
      if (!(event instanceof KeyboardEvent)) return;
      if (isHeldOnButton(event)) event.preventDefault();
      const action = actionOf(bindings.value, event);
      const handler = action === null ? undefined : latest.current[action];
      if (action === null || handler === undefined || event.defaultPrevented || belongsToFocus(event)) return;
      event.preventDefault();
      if (!event.repeat || goesOn(action)) handler();
    };
    keys.addEventListener("keydown", press);
    return () => keys.removeEventListener("keydown", press);
  }, [keys]);
}

/** Browsers press a button that has the focus again and again while Enter is held. */
function isHeldOnButton(event: KeyboardEvent): boolean {
  const target = event.target;
  return event.repeat && event.key === "Enter" && target instanceof Element && target.matches("button");
}

const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

function belongsToFocus(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof Element)) return false;
  if (treeOf(target).querySelector("dialog[open]") !== null) return true;
  if (target instanceof HTMLInputElement && target.type === "range")
    return ARROWS.has(event.key) && !event.shiftKey;
  if (target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")) return true;
  return (
    (event.key === "Enter" || event.key === " ") && target.matches("button, a[href], summary, input, label")
  );
}

/** The first key of an action, drawn as a key; buttons carry it beside their words. */
export function Key({ action }: { action: Action }): JSX.Element | null {
  const key = bindings.value[action][0];
  return key === undefined ? null : <kbd aria-hidden="true">{keyLabel(key)}</kbd>;
}

interface KeyButtonProps {
  action: Action;
  onPress: () => void;
  label?: string;
  class?: string;
  disabled?: boolean;
}

/** A button with its key on it. A press of the mouse leaves the focus where the keys are. */
export function KeyButton({
  action,
  onPress,
  label,
  class: kind = "",
  disabled = false,
}: KeyButtonProps): JSX.Element {
  const words = label ?? ACTIONS[action].label;
  return (
    <button
      type="button"
      class={`button ${kind}`}
      disabled={disabled}
      aria-keyshortcuts={bindings.value[action].map(shortcut).join(" ")}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onPress}
    >
      <span>{words}</span>
      <Key action={action} />
    </button>
  );
}

/** A key as `aria-keyshortcuts` names it. */
const shortcut = (key: string): string => key.replace("Mod", "Control");
