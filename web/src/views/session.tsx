// One session: its concept, its four sides (label, results, history, audit), and the other concepts of the dataset.

import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";

import { project as askProject, session as askSession } from "../api/calls.ts";
import type { Insight, ProjectSummary } from "../api/types.ts";
import { annotator } from "../identity.ts";
import { ConceptChips } from "../parts/concepts.tsx";
import { href } from "../route.ts";
import type { SessionTab } from "../route.ts";
import { useLabelling } from "../state/labelling.ts";
import { useResource } from "../state/resource.ts";
import { thresholdOf } from "../state/threshold.ts";
import { AuditView } from "./audit.tsx";
import { HistoryView } from "./history.tsx";
import { LabelView } from "./label.tsx";
import { ResultsView } from "./results.tsx";
import type { SideProps } from "./results.tsx";

interface SessionViewProps {
  project: string;
  session: string;
  tab: SessionTab;
}

const TABS: { tab: SessionTab; words: string }[] = [
  { tab: "label", words: "Label" },
  { tab: "results", words: "Results" },
  { tab: "history", words: "History" },
  { tab: "audit", words: "Audit" },
];

export function SessionView({ project, session, tab }: SessionViewProps): JSX.Element {
  const seat = useMemo(() => ({ project, session, annotator: annotator() }), [project, session]);
  const { loaded } = useResource(`${project} ${tab}`, (signal) => askProject(project, signal));
  const { loaded: asked } = useResource("", (signal) => askSession(seat, signal));
  const where = asked.value.state === "here" ? asked.value.value.start.where : null;
  const threshold = useMemo(() => thresholdOf(seat), [seat]);
  const summary = loaded.value.state === "here" ? loaded.value.value : null;
  // The chip counts along with the fits of a view; a view that is opened later has asked anew.
  const found = useSignal<number | null>(null);
  useEffect(() => void (found.value = null), [seat, tab]);
  const onFit = (seen: Insight) => void (found.value = seen.n_positive_found);
  // What fills the place of records that are still to come has the shape of their kind, or it would move them.
  const side = { seat, threshold, kind: summary?.kind ?? null, onFit };
  return (
    <div class={`session session-${tab}`}>
      <SessionBar
        project={project}
        session={session}
        tab={tab}
        summary={summary}
        found={found.value}
        where={where ?? null}
      />
      {tab === "label" && <Labels {...side} />}
      {tab === "results" && <ResultsView {...side} />}
      {tab === "history" && <HistoryView seat={seat} />}
      {tab === "audit" && <AuditView seat={seat} threshold={threshold} />}
    </div>
  );
}

function Labels({ seat, threshold, kind, onFit }: SideProps): JSX.Element {
  const labelling = useLabelling(seat);
  useSignalEffect(() => {
    if (labelling.insight.value !== null) onFit(labelling.insight.value);
  });
  return <LabelView labelling={labelling} threshold={threshold} kind={kind} />;
}

function SessionBar({
  project,
  session,
  tab,
  summary,
  found,
  where,
}: SessionViewProps & {
  summary: ProjectSummary | null;
  found: number | null;
  where: string | null;
}): JSX.Element {
  return (
    <div class="session-bar">
      <h1 class="sr-only">{session}</h1>
      <ConceptChips project={project} sessions={summary?.sessions ?? null} current={session} found={found} />
      <nav class="tabs" aria-label="Session">
        {TABS.map((side) => (
          <a
            key={side.tab}
            href={href({ view: "session", project, session, tab: side.tab })}
            aria-current={side.tab === tab ? "page" : undefined}
          >
            {side.words}
          </a>
        ))}
      </nav>
      {where !== null && (
        <p class="session-where soft">
          Only records where <code>{where}</code>
        </p>
      )}
    </div>
  );
}
