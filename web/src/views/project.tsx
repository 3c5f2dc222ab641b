// One project: what is in it, a box to start from, the sessions to go on with, and indexing.

import type { JSX } from "preact";

import { jobs as askJobs, project as askProject, skipped as askSkipped } from "../api/calls.ts";
import type { ProjectSummary, SessionSummary } from "../api/types.ts";
import { coloursOf } from "../concepts.ts";
import { ago, count, modelName, plural } from "../format.ts";
import { IndexForm } from "../parts/index-form.tsx";
import { JobProgress } from "../parts/job-progress.tsx";
import { ProblemWords } from "../parts/problem.tsx";
import { StartBox } from "../parts/start-box.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { href } from "../route.ts";
import { useResource } from "../state/resource.ts";

export function ProjectView({ project: slug }: { project: string }): JSX.Element {
  const { loaded, reload } = useResource(slug, (signal) => askProject(slug, signal));
  return (
    <div class="page">
      <Show loaded={loaded.value} retry={reload}>
        {(project) => <ProjectPage project={project} onChange={reload} />}
      </Show>
    </div>
  );
}

function ProjectPage({ project, onChange }: { project: ProjectSummary; onChange: () => void }): JSX.Element {
  const { loaded: jobs, reload } = useResource(project.slug, (signal) => askJobs(project.slug, signal));
  const running = jobs.value.state === "here" ? jobs.value.value.jobs : [];
  const lost = () => {
    reload();
    onChange();
  };
  return (
    <>
      <header class="page-head">
        <h1>{project.name}</h1>
        <Facts project={project} />
      </header>
      {project.status === "broken" && <Broken project={project} />}
      {running.map((job) => (
        <JobProgress key={job.id} project={project.slug} job={job} onDone={onChange} onLost={lost} />
      ))}
      {project.status === "ready" && <StartBox project={project} />}
      {project.sessions.length > 0 && <Sessions project={project} />}
      {project.status !== "broken" && <IndexForm project={project} onStart={reload} />}
    </>
  );
}

function Facts({ project }: { project: ProjectSummary }): JSX.Element {
  return (
    <p class="lead facts">
      <span>{plural(project.n_records, "record")}</span>
      {project.model != null && (
        <span>
          {modelName(project.model.name)}, {count(project.model.dimension)} dimensions
        </span>
      )}
      {project.n_skipped > 0 && <Skipped project={project} />}
    </p>
  );
}

function Skipped({ project }: { project: ProjectSummary }): JSX.Element {
  const { loaded } = useResource(project.slug, () => askSkipped(project.slug));
  const records = loaded.value.state === "here" ? loaded.value.value.skipped : [];
  return (
    <details class="skipped">
      <summary>{plural(project.n_skipped, "record")} skipped</summary>
      <ul class="plain">
        {records.map(({ id, reason }) => (
          <li key={id}>
            <code>{id}</code> {reason}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Broken({ project }: { project: ProjectSummary }): JSX.Element {
  return (
    <Empty title="This project cannot be opened">
      <ProblemWords problem={project.problem} />
    </Empty>
  );
}

function Sessions({ project }: { project: ProjectSummary }): JSX.Element {
  const colours = coloursOf(project.sessions);
  const recent = [...project.sessions].sort((a, b) => b.changed_ms - a.changed_ms);
  const [one, two] = recent;
  return (
    <section class="block" aria-labelledby="go-on">
      <header class="block-head">
        <h2 id="go-on">Go on with</h2>
        {one !== undefined && two !== undefined && (
          <a href={href({ view: "compare", project: project.slug, a: one.name, b: two.name })}>Compare</a>
        )}
      </header>
      <ul class="plain session-list">
        {recent.map((session) => (
          <li key={session.name}>
            <SessionRow project={project.slug} session={session} colour={colours.get(session.name) ?? 0} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function SessionRow({
  project,
  session,
  colour,
}: {
  project: string;
  session: SessionSummary;
  colour: number;
}): JSX.Element {
  return (
    <a
      class={`session-row concept-${colour}`}
      href={href({ view: "session", project, session: session.name, tab: "label" })}
    >
      <span class="chip-dot" aria-hidden="true" />
      <span class="session-name">
        <strong>{session.name}</strong>
        {session.description !== session.name && <span class="soft">{session.description}</span>}
      </span>
      <span class="num">
        {count(session.n_positive)} <span class="soft">found</span>
      </span>
      <span class="num">
        {count(session.n_labels)} <span class="soft">labels</span>
      </span>
      <span class="soft session-when">{ago(session.changed_ms, Date.now())}</span>
    </a>
  );
}
