// The widget of a notebook, as anywidget wants it: https://anywidget.dev/en/afm/
//
// It stands in a tree of its own (shadow DOM), so that neither the styles of the notebook nor those of the widget reach the
// other. The built file evaluates all modules once for each widget: what is the state of the page in the web app is the state
// of one widget here.

import { render as renderInto } from "preact";

import { connect } from "../api/transport.ts";
import { Stage } from "../parts/stage.ts";
import { queue } from "../state/saving.ts";
import { dark } from "../state/theme.ts";
import style from "../styles/widget.css?inline";
import { Broken, Notebook } from "./app.tsx";
import { ownKeys } from "./keyboard.ts";
import { Messages } from "./messages.ts";
import type { Model } from "./model.ts";
import { followTheme } from "./theme.ts";

interface Given {
  model: Model;
  el: HTMLElement;
}

let messages: Messages | null = null;

/** What is listened to here is heard until the widget is gone; what `render` listens to, until that place is. */
function initialize({ model }: Pick<Given, "model">): () => void {
  const opening = opened(model);
  return () => opening.close();
}

/** One way to the kernel for all places where the widget is shown. */
function opened(model: Model): Messages {
  if (messages === null) {
    messages = new Messages(model);
    connect(messages);
    queue.adopt(`linprobe/notebook/${encodeURIComponent(textOf(model, "folder"))}/`);
  }
  return messages;
}

function render({ model, el }: Given): () => void {
  const { box, root } = rootIn(el);
  const stopTheme = followTheme(el);
  const stopDark = dark.subscribe((isDark) => void (box.dataset["theme"] = isDark ? "dark" : "light"));
  const { stage, stop } = ownKeys(el, box);
  const refocus = () => {
    if (stage.hasKeyboard() && root.activeElement === null) box.focus({ preventScroll: true });
  };
  box.style.setProperty("--height", `${Number(model.get("height"))}px`);
  try {
    const seat = { project: textOf(model, "project"), session: textOf(model, "session"), annotator: "" };
    const shown = (
      <Stage.Provider value={stage}>
        <Notebook seat={seat} messages={opened(model)} refocus={refocus} />
      </Stage.Provider>
    );
    renderInto(shown, box);
  } catch (error) {
    renderInto(<Broken error={error} />, box);
  }
  return () => {
    renderInto(null, box);
    stop();
    stopDark();
    stopTheme();
  };
}

function rootIn(el: HTMLElement): { box: HTMLElement; root: ShadowRoot } {
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  const [sheet, box] = [document.createElement("style"), document.createElement("div")];
  sheet.textContent = style;
  box.className = "widget";
  box.tabIndex = -1;
  root.replaceChildren(sheet, box);
  return { box, root };
}

function textOf(model: Model, name: string): string {
  const value = model.get(name);
  if (typeof value !== "string") throw new Error(`the widget has no ${name}`);
  return value;
}

export default { initialize, render };
