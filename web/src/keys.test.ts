import { describe, expect, it } from "vitest";

import {
  actionOf,
  ACTION_NAMES,
  ACTIONS,
  defaultBindings,
  keyLabel,
  keyName,
  parseBindings,
  rebind,
} from "./keys.ts";
import type { Pressed } from "./keys.ts";

const press = (key: string, held: Partial<Pressed> = {}): Pressed => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

describe("keys", () => {
  it("do what people expect of them before anybody binds them", () => {
    const bindings = defaultBindings();
    const expected: [Pressed, string | null][] = [
      [press("1"), "score-1"],
      [press("9"), "score-9"],
      [press("a"), "relevant"],
      [press("x"), "irrelevant"],
      [press(" "), "skip"],
      [press("Backspace"), "undo"],
      [press("z", { ctrlKey: true }), "undo"],
      [press("z", { metaKey: true }), "undo"],
      [press("z"), "zoom"],
      [press("Enter"), "fit"],
      [press("?", { shiftKey: true }), "help"],
      [press("h"), "move-left"],
      [press("j"), "move-down"],
      [press("k"), "move-up"],
      [press("l"), "move-right"],
      [press("ArrowRight"), "move-right"],
      [press("ArrowRight", { shiftKey: true }), "more"],
      [press("M", { shiftKey: true }), "agree-rest"],
      [press("m"), "agree"],
      [press("r"), "rest"],
      [press("r", { ctrlKey: true }), null],
      [press("Shift"), null],
    ];
    expect(expected.map(([pressed]) => actionOf(bindings, pressed))).toEqual(
      expected.map(([, action]) => action),
    );
  });

  it("are bound to one action each", () => {
    expect(parseBindings(defaultBindings())).toEqual(defaultBindings());
  });

  it("with caps lock on are the same keys", () => {
    expect(keyName(press("A"))).toBe("a");
  });

  it("can be bound anew; the one who had the key loses it", () => {
    const { bindings, taken } = rebind(defaultBindings(), "relevant", "x");
    expect(taken).toBe("irrelevant");
    expect([bindings.relevant, bindings.irrelevant]).toEqual([["x"], []]);
    expect(actionOf(bindings, press("x"))).toBe("relevant");
    expect(actionOf(bindings, press("a"))).toBeNull();
  });

  it("keep their second key when the first is bound anew", () => {
    expect(rebind(defaultBindings(), "undo", "u").bindings.undo).toEqual(["u", "Mod+z"]);
  });

  it("are read from JSON, and what it does not name stays", () => {
    const bindings = parseBindings({ fit: ["n"] });
    expect(bindings?.fit).toEqual(["n"]);
    expect(bindings?.undo).toEqual(["Backspace", "Mod+z"]);
  });

  it("are refused where JSON says nothing, or two things of one key", () => {
    for (const wrong of [null, [], "x", { fly: ["f"] }, { fit: "n" }, { fit: [""] }, { fit: ["x"] }]) {
      expect(parseBindings(wrong)).toBeNull();
    }
  });

  it("have signs that fit on a button", () => {
    expect(["Mod+z", "Shift+ArrowLeft", "9", "Enter", "+"].map(keyLabel)).toEqual([
      "ctrl z",
      "⇧ ←",
      "9",
      "↵",
      "+",
    ]);
  });

  it("all have words", () => {
    for (const action of ACTION_NAMES) expect(ACTIONS[action].label).not.toBe("");
  });
});
