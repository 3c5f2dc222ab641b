// What stands where content would: nothing yet, nothing at all, something wrong.

import type { ComponentChildren, JSX } from "preact";

import { ApiError, wordsOf } from "../api/client.ts";
import type { Loaded } from "../state/resource.ts";
import { Detail } from "./problem.tsx";
import { TokenForm } from "./token-form.tsx";

/** A place without content, with a word on what to do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** An error in words, with its remedy and a way to try again. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }): JSX.Element {
  if (error instanceof ApiError && error.slug === "unauthorized") {
    return <TokenForm onDone={retry ?? (() => location.reload())} />;
  }
  const { detail, hint } = wordsOf(error);
  return (
    <div class="empty failure" role="alert">
      <h2>That did not work</h2>
      <Detail words={detail} />
      {hint !== undefined && <p class="hint">{hint}</p>}
      {retry !== undefined && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface ShowProps<T> {
  loaded: Loaded<T>;
  retry: () => void;
  /** What keeps the place until the answer is there. */
  waiting?: ComponentChildren;
  children: (value: T) => ComponentChildren;
}

/** A resource in whichever state it is. */
export function Show<T>({ loaded, retry, waiting, children }: ShowProps<T>): JSX.Element {
  switch (loaded.state) {
    case "loading":
      return (
        <>
          {waiting ?? (
            <p class="loading" role="status">
              Loading…
            </p>
          )}
        </>
      );
    case "failed":
      return <Failure error={loaded.error} retry={retry} />;
    case "here":
      return <>{children(loaded.value)}</>;
  }
}
