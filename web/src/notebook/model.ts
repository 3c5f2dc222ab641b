// What a notebook gives a widget: the part of anywidget's front-end module that is used.
// https://anywidget.dev/en/afm/

/** The widget as Python knows it. */
export interface Model {
  get: (name: string) => unknown;
  send: (content: unknown) => void;
  on: (event: "msg:custom", listener: (content: unknown, buffers: readonly Bytes[]) => void) => void;
  off: (event: "msg:custom", listener: (content: unknown, buffers: readonly Bytes[]) => void) => void;
}

export type Bytes = ArrayBuffer | ArrayBufferView<ArrayBuffer>;
