// Home: the projects that are served, each as it stands.

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { createProject, projects as askProjects } from "../api/calls.ts";
import type { Projects, ProjectSummary } from "../api/types.ts";
import { count, modelName, plural } from "../format.ts";
import { ProblemWords } from "../parts/problem.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { coloursOf } from "../concepts.ts";
import { href } from "../route.ts";
import { useResource } from "../state/resource.ts";
import { report } from "../state/ui.ts";
import { goTo } from "../state/where.ts";

export function HomeView(): JSX.Element {
  const { loaded, reload } = useResource("projects", askProjects);
  return (
    <div class="page">
      <header class="page-head">
        <h1>Projects</h1>
        <p class="lead">
          From a sentence, or a few examples, to a classifier: by labelling only the records that matter.
        </p>
      </header>
      <Show loaded={loaded.value} retry={reload}>
        {(served) => <ProjectList served={served} />}
      </Show>
    </div>
  );
}

function ProjectList({ served }: { served: Projects }): JSX.Element {
  return (
    <>
      {served.projects.length === 0 && (
        <Empty title="No projects yet">
          <p>
            {served.can_create
              ? "Make one, then index a dataset into it."
              : "Make one with “linprobe init FOLDER”, then index a dataset into it."}
          </p>
        </Empty>
      )}
      <ul class="plain project-list">
        {served.projects.map((project) => (
          <li key={project.slug}>
            <ProjectCard project={project} />
          </li>
        ))}
      </ul>
      {served.can_create && <NewProject />}
    </>
  );
}

const STATUS: Record<ProjectSummary["status"], string> = {
  ready: "ready",
  empty: "nothing indexed",
  broken: "broken",
};
const KINDS: Record<string, string> = { image: "picture", text: "text", vector: "vector" };

function ProjectCard({ project }: { project: ProjectSummary }): JSX.Element {
  const { slug, name, status, problem, kind, model } = project;
  const colours = coloursOf(project.sessions);
  return (
    <article class={`project-card project-${status}`} aria-label={name}>
      <h2>
        <a href={href({ view: "project", project: slug })}>{name}</a>
      </h2>
      <p class="project-line">
        <span class={`status status-${status}`}>{STATUS[status]}</span>
        {status === "ready" && <span>{plural(project.n_records, KINDS[kind ?? ""] ?? "record")}</span>}
        {model != null && <span class="soft">{modelName(model.name)}</span>}
      </p>
      <ProblemWords problem={problem} />
      {project.sessions.length > 0 && (
        <ul class="plain concepts">
          {project.sessions.map(({ name: session, n_positive }) => (
            <li key={session}>
              <a
                class={`chip concept-${colours.get(session) ?? 0}`}
                href={href({ view: "session", project: slug, session, tab: "label" })}
              >
                <span class="chip-dot" aria-hidden="true" />
                <span class="chip-name">{session}</span>
                <span class="chip-count" title="positives found">
                  {count(n_positive)}
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}

function NewProject(): JSX.Element {
  const [name, setName] = useState("");
  const make = async () => {
    try {
      goTo(href({ view: "project", project: (await createProject(name.trim())).slug }));
    } catch (error) {
      report(error);
    }
  };
  return (
    <form
      class="row new-project"
      onSubmit={(event) => {
        event.preventDefault();
        void make();
      }}
    >
      <label class="field">
        <span>New project</span>
        <input
          required
          value={name}
          placeholder="its name"
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button">
        Make it
      </button>
    </form>
  );
}
