// Where keys are heard: all over the page, or in the cards of a notebook alone.

import { createContext } from "preact";

/** What a view is shown on. */
export interface Stage {
  /** Where keys are heard. */
  keys: EventTarget;
  /** Whether keys that nothing has the focus for are meant for the view. */
  hasKeyboard: () => boolean;
}

export const Stage = createContext<Stage>({ keys: globalThis, hasKeyboard: () => true });

/** The tree that an element is in: the document, or what is attached to an element of it. */
export function treeOf(element: Node): Document | ShadowRoot {
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root : document;
}
