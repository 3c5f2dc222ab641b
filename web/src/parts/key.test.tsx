import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";

import { useKeys } from "./key.tsx";

const done: string[] = [];

function View() {
  useKeys({
    relevant: () => done.push("relevant"),
    fit: () => done.push("fit"),
    undo: () => done.push("undo"),
    "move-right": () => done.push("move-right"),
    more: () => done.push("more"),
  });
  return <button type="button">Fit and next</button>;
}

/** Presses a key and holds it for as long as it takes to come twice more; whether the browser was left the last one. */
function hold(key: string, init: KeyboardEventInit = {}, target: EventTarget = document.body): boolean {
  const press = (repeat: boolean) =>
    target.dispatchEvent(
      new KeyboardEvent("keydown", { key, repeat, bubbles: true, cancelable: true, ...init }),
    );
  press(false);
  press(true);
  return press(true);
}

afterEach(async () => {
  await act(() => render(null, document.body));
  done.length = 0;
});

describe("a key that is held", () => {
  it("answers, takes back and fits once", async () => {
    await act(() => render(<View />, document.body));
    expect([hold("a"), hold("Enter"), hold("Backspace")]).toEqual([false, false, false]);
    expect(done).toEqual(["relevant", "fit", "undo"]);
  });

  it("moves on, and changes a score step by step", async () => {
    await act(() => render(<View />, document.body));
    hold("ArrowRight");
    hold("ArrowRight", { shiftKey: true });
    expect(done).toEqual(["move-right", "move-right", "move-right", "more", "more", "more"]);
  });

  it("presses a button once that has the focus", async () => {
    await act(() => render(<View />, document.body));
    expect(hold("Enter", {}, document.querySelector("button") ?? document)).toBe(false);
    expect(done, "the button does it itself").toEqual([]);
  });
});
