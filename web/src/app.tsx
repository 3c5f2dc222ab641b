// The frame around every view: the way home, what is saved, light and dark, keys, notes, and the voice.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { href } from "./route.ts";
import type { Route } from "./route.ts";
import { Empty } from "./parts/states.tsx";
import { Notes } from "./parts/notes.tsx";
import { SaveState } from "./parts/save-state.tsx";
import { Settings } from "./parts/settings.tsx";
import { queue } from "./state/saving.ts";
import { announcement } from "./state/ui.ts";
import { route } from "./state/where.ts";
import { CompareView } from "./views/compare.tsx";
import { HomeView } from "./views/home.tsx";
import { ProjectView } from "./views/project.tsx";
import { SessionView } from "./views/session.tsx";

export function App(): JSX.Element {
  const at = route.value;
  const main = useRef<HTMLElement>(null);
  const name = pageName(at);
  useEffect(() => {
    document.title = name;
  }, [name]);
  // A new view begins at its top, and is read from there.
  useEffect(() => main.current?.focus({ preventScroll: true }), [at.view]);
  useWarningBeforeLoss();
  return (
    <>
      <a
        class="skip-link"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="bar">
        <Crumbs at={at} />
        <div class="bar-end">
          <SaveState />
          <Settings />
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <View at={at} />
      </main>
      <Notes />
      <p class="sr-only" role="status" aria-live="polite">
        {announcement.value}
      </p>
    </>
  );
}

function View({ at }: { at: Route }): JSX.Element {
  switch (at.view) {
    case "home":
      return <HomeView />;
    case "project":
      return <ProjectView key={at.project} project={at.project} />;
    case "compare":
      return <CompareView key={at.project} {...at} />;
    case "session":
      return <SessionView key={`${at.project}/${at.session}`} {...at} />;
    case "lost":
      return (
        <Empty title="There is no such page">
          <p>Nothing is at “{at.address}”.</p>
          <a class="button" href={href({ view: "home" })}>
            All projects
          </a>
        </Empty>
      );
  }
}

function Crumbs({ at }: { at: Route }): JSX.Element {
  return (
    <nav class="crumbs" aria-label="Where you are">
      <a class="mark" href={href({ view: "home" })} aria-label="linprobe, all projects">
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M3 17 17 3" />
          <circle cx="6" cy="6.5" r="2.2" class="dot-pos" />
          <circle cx="13.5" cy="14" r="2.2" class="dot-neg" />
        </svg>
        <span>linprobe</span>
      </a>
      {"project" in at && <a href={href({ view: "project", project: at.project })}>{at.project}</a>}
      {at.view === "session" && (
        <a href={href({ ...at, tab: "label" })} class="crumb-session">
          {at.session}
        </a>
      )}
    </nav>
  );
}

function pageName(at: Route): string {
  const parts = [
    at.view === "session" ? at.session : null,
    at.view === "compare" ? "compare" : null,
    "project" in at ? at.project : null,
    "linprobe",
  ];
  return parts.filter((part) => part !== null).join(" · ");
}

/** Answers that the browser will not keep are lost with the page: it must not go without a question. */
function useWarningBeforeLoss(): void {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (queue.volatile.value && queue.unsaved.value > 0) event.preventDefault();
    };
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, []);
}
