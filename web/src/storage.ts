// What the browser keeps. Storage may be full, switched off or hold what an older page wrote: reading falls back,
// and writing tells whether it worked.

/** The browser's memory, and that of this tab. */
export const local: Storage = storeOf(() => localStorage);
export const ofTab: Storage = storeOf(() => sessionStorage);

/** A page in a frame of strangers may not even ask for storage: then nothing is kept, and `keep` says so. */
function storeOf(ask: () => Storage): Storage {
  try {
    return ask();
  } catch {
    return {
      length: 0,
      key: () => null,
      getItem: () => null,
      setItem: () => {
        throw new Error("this browser keeps nothing");
      },
      removeItem: () => undefined,
      clear: () => undefined,
    };
  }
}

/** The value kept under a name, if `parse` accepts it. */
export function kept<T>(store: Storage, name: string, parse: (value: unknown) => T | null): T | null {
  try {
    const text = store.getItem(name);
    return text === null ? null : parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Keeps a value; false if the browser will not. */
export function keep(store: Storage, name: string, value: unknown): boolean {
  try {
    store.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Keeps nothing under the name any more. */
export function forget(store: Storage, name: string): void {
  try {
    store.removeItem(name);
  } catch {
    // What cannot be removed is read again and found answered: no harm.
  }
}

export const asString = (value: unknown): string | null => (typeof value === "string" ? value : null);
export const asNumber = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;
