// Something that the server has and a view shows: loading, there, or failed with a way to try again.

import { useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useCallback, useEffect } from "preact/hooks";

import { isAbort } from "../api/client.ts";

export type Loaded<T> =
  { state: "loading" } | { state: "here"; value: T } | { state: "failed"; error: unknown };

export interface Resource<T> {
  loaded: Signal<Loaded<T>>;
  /** Asks again; what is there stays until the answer comes. */
  reload: () => void;
}

/** Asks when the view is shown and whenever `key` changes; the answer to an old question is dropped. */
export function useResource<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const loaded = useSignal<Loaded<T>>({ state: "loading" });
  const attempt = useSignal(0);
  const at = attempt.value;
  useEffect(() => {
    const control = new AbortController();
    ask(control.signal).then(
      (value) => {
        if (!control.signal.aborted) loaded.value = { state: "here", value };
      },
      (error: unknown) => {
        if (!isAbort(error) && !control.signal.aborted) loaded.value = { state: "failed", error };
      },
    );
    return () => control.abort();
    // `ask` is new on every drawing; `key` says when it asks for something else.
  }, [key, at]);
  const reload = useCallback(() => void (attempt.value += 1), [attempt]);
  return { loaded, reload };
}
