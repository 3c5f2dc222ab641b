// The concepts of a dataset as chips, each a way to its session.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { SessionSummary } from "../api/types.ts";
import { coloursOf } from "../concepts.ts";
import { count } from "../format.ts";
import { href } from "../route.ts";

interface ConceptChipsProps {
  project: string;
  /** Null until they are known. */
  sessions: SessionSummary[] | null;
  current: string;
  /** Positives of the current one, where a fit has counted them since. */
  found: number | null;
}

export function ConceptChips({ project, sessions, current, found }: ConceptChipsProps): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current, sessions]);
  const colours = coloursOf(sessions ?? []);
  const known = sessions?.some(({ name }) => name === current) ?? true;
  const told = [...(known ? [] : [{ name: current, n_positive: null }]), ...(sessions ?? [])];
  const shown = told.map(({ name, n_positive }) => ({
    name,
    nFound: name === current ? (found ?? n_positive) : n_positive,
  }));
  return (
    <ul ref={list} class="plain concepts" aria-label="Concepts of this dataset">
      {shown.map(({ name, nFound }) => (
        <li key={name}>
          <a
            class={`chip concept-${colours.get(name) ?? 0}`}
            href={href({ view: "session", project, session: name, tab: "label" })}
            aria-current={name === current ? "true" : undefined}
          >
            <span class="chip-dot" aria-hidden="true" />
            <span class="chip-name">{name}</span>
            {nFound !== null && (
              <span class="chip-count" title="positives found">
                {count(nFound)}
              </span>
            )}
          </a>
        </li>
      ))}
    </ul>
  );
}
