// Keys: what can be done by key, which keys do it, and how both are read. One table names every action; the help,
// the buttons and the dialog that binds keys all read it.

export const ACTIONS = {
  "move-left": { label: "Previous record", group: "Move", keys: ["ArrowLeft", "h"] },
  "move-down": { label: "Record below", group: "Move", keys: ["ArrowDown", "j"] },
  "move-up": { label: "Record above", group: "Move", keys: ["ArrowUp", "k"] },
  "move-right": { label: "Next record", group: "Move", keys: ["ArrowRight", "l"] },
  "score-1": { label: "Score −1", group: "Score", keys: ["1"] },
  "score-2": { label: "Score −0.75", group: "Score", keys: ["2"] },
  "score-3": { label: "Score −0.50", group: "Score", keys: ["3"] },
  "score-4": { label: "Score −0.25", group: "Score", keys: ["4"] },
  "score-5": { label: "Score 0", group: "Score", keys: ["5"] },
  "score-6": { label: "Score +0.25", group: "Score", keys: ["6"] },
  "score-7": { label: "Score +0.50", group: "Score", keys: ["7"] },
  "score-8": { label: "Score +0.75", group: "Score", keys: ["8"] },
  "score-9": { label: "Score +1", group: "Score", keys: ["9"] },
  relevant: { label: "Relevant, +1", group: "Score", keys: ["a"] },
  irrelevant: { label: "Irrelevant, −1", group: "Score", keys: ["x"] },
  more: { label: "A little more", group: "Score", keys: ["Shift+ArrowRight"] },
  less: { label: "A little less", group: "Score", keys: ["Shift+ArrowLeft"] },
  skip: { label: "Skip", group: "Score", keys: ["Space"] },
  agree: { label: "Agree with the model", group: "Score", keys: ["m"] },
  "agree-rest": { label: "Agree for all the rest", group: "Round", keys: ["Shift+m"] },
  rest: { label: "The rest are −1", group: "Round", keys: ["r"] },
  undo: { label: "Undo", group: "Round", keys: ["Backspace", "Mod+z"] },
  fit: { label: "Fit and next", group: "Round", keys: ["Enter"] },
  zoom: { label: "Zoom", group: "Look", keys: ["z"] },
  panel: { label: "Show or hide the insight", group: "Look", keys: ["i"] },
  help: { label: "Keys", group: "Look", keys: ["?"] },
} as const satisfies Record<string, { label: string; group: string; keys: readonly string[] }>;

export type Action = keyof typeof ACTIONS;
export type Bindings = Record<Action, string[]>;

export const ACTION_NAMES = Object.keys(ACTIONS) as Action[];

/** The bindings of a new browser. */
export function defaultBindings(): Bindings {
  return Object.fromEntries(ACTION_NAMES.map((action) => [action, [...ACTIONS[action].keys]])) as Bindings;
}

const STEPS = new Set<Action>(["move-left", "move-down", "move-up", "move-right", "more", "less"]);

/** Whether a key that is held does it again and again. What answers, asks or confirms takes a press for each time. */
export function goesOn(action: Action): boolean {
  return STEPS.has(action);
}

/** What of a keyboard event decides which key it is. */
export type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

const MODIFIERS = new Set([
  "Control",
  "Shift",
  "Alt",
  "Meta",
  "AltGraph",
  "CapsLock",
  "Dead",
  "Unidentified",
  "Process",
]);

/** The name of a pressed key, such as `9`, `Shift+m`, `Mod+z`; null of a modifier alone. */
export function keyName({ key, ctrlKey, metaKey, altKey, shiftKey }: Pressed): string | null {
  if (MODIFIERS.has(key)) return null;
  const name = key === " " ? "Space" : key.length === 1 ? key.toLowerCase() : key;
  // Shift is part of the name only where the key does not already tell: `?` is `?` on every keyboard.
  const shifted = shiftKey && (key.length > 1 || key === " " || key.toLowerCase() !== key.toUpperCase());
  return [(ctrlKey || metaKey) && "Mod", altKey && "Alt", shifted && "Shift", name].filter(Boolean).join("+");
}

/** The action that a key is bound to. */
export function actionOf(bindings: Bindings, pressed: Pressed): Action | null {
  const name = keyName(pressed);
  return name === null ? null : (ACTION_NAMES.find((action) => bindings[action].includes(name)) ?? null);
}

/** Binds a key to an action in the place of its first key, and takes it from whoever had it. */
export function rebind(
  bindings: Bindings,
  action: Action,
  key: string,
): { bindings: Bindings; taken: Action | null } {
  const taken = ACTION_NAMES.find((other) => other !== action && bindings[other].includes(key)) ?? null;
  const next = { ...bindings };
  if (taken !== null) next[taken] = bindings[taken].filter((bound) => bound !== key);
  next[action] = [key, ...bindings[action].slice(1).filter((bound) => bound !== key)];
  return { bindings: next, taken };
}

/** Reads bindings from JSON, `{"fit": ["Enter"], …}`; actions that it does not name keep their keys. */
export function parseBindings(value: unknown): Bindings | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const bindings = defaultBindings();
  for (const [action, keys] of Object.entries(value)) {
    if (!(action in ACTIONS)) return null;
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string" && key !== "")) return null;
    bindings[action as Action] = keys as string[];
  }
  const all = ACTION_NAMES.flatMap((action) => bindings[action]);
  return new Set(all).size === all.length ? bindings : null;
}

const SIGNS: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Enter: "↵",
  Backspace: "⌫",
  Space: "space",
  Mod: "ctrl",
  Shift: "⇧",
};

/** A key as it is drawn on a button. */
export function keyLabel(key: string): string {
  if (key === "+") return key;
  return key
    .split("+")
    .map((part) => SIGNS[part] ?? part)
    .join(" ");
}
