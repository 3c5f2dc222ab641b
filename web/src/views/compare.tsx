// Two classifiers, or one at two of its rounds: where they agree, and which records moved.

import type { JSX } from "preact";

import { classifiers as askClassifiers, compare as askCompare } from "../api/calls.ts";
import type { Comparison } from "../api/types.ts";
import { count, logit, plural } from "../format.ts";
import { Thumb } from "../parts/media.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { href } from "../route.ts";
import { useResource } from "../state/resource.ts";
import { goTo } from "../state/where.ts";
import { asString } from "../storage.ts";

interface CompareViewProps {
  project: string;
  a: string;
  b: string;
}

const TOP_K = 100;

export function CompareView({ project, a, b }: CompareViewProps): JSX.Element {
  return (
    <div class="page">
      <header class="page-head">
        <h1>Compare</h1>
        <SidesForm project={project} a={a} b={b} />
      </header>
      {a === "" || b === "" ? (
        <Empty title="Two sides make a comparison">
          <p>Choose a session, one of its rounds, or an imported classifier for each.</p>
        </Empty>
      ) : (
        <Compared project={project} a={a} b={b} />
      )}
    </div>
  );
}

function SidesForm({ project, a, b }: CompareViewProps): JSX.Element {
  const { loaded } = useResource(project, (signal) => askClassifiers(project, signal));
  const names = loaded.value.state === "here" ? loaded.value.value.classifiers.map(({ name }) => name) : [];
  const go = (form: FormData) => {
    const field = (name: string) => asString(form.get(name)) ?? "";
    const side = (name: string) =>
      [field(name), field(`${name}-round`)].filter((part) => part !== "").join("@");
    goTo(href({ view: "compare", project, a: side("a"), b: side("b") }));
  };
  return (
    <form
      key={`${a} ${b} ${names.length}`}
      class="row compare-form"
      onSubmit={(event) => {
        event.preventDefault();
        go(new FormData(event.currentTarget));
      }}
    >
      <SideFields name="a" words="One" value={a} names={names} />
      <SideFields name="b" words="Other" value={b} names={names} />
      <button type="submit" class="button primary">
        Compare
      </button>
    </form>
  );
}

function SideFields({
  name,
  words,
  value,
  names,
}: {
  name: string;
  words: string;
  value: string;
  names: string[];
}): JSX.Element {
  const [chosen = "", round = ""] = value.split(/@(?=\d+$)/);
  const options = names.includes(chosen) || chosen === "" ? names : [chosen, ...names];
  return (
    <fieldset class="side-fields">
      <legend>{words}</legend>
      <select name={name} aria-label={`${words}: classifier`}>
        {options.map((option) => (
          <option key={option} value={option} selected={option === chosen}>
            {option}
          </option>
        ))}
      </select>
      <input
        class="short"
        name={`${name}-round`}
        type="number"
        min={0}
        placeholder="now"
        aria-label={`${words}: round`}
        defaultValue={round}
      />
    </fieldset>
  );
}

function Compared({ project, a, b }: CompareViewProps): JSX.Element {
  const { loaded, reload } = useResource(`${a} ${b}`, (signal) =>
    askCompare(project, { a, b, k: TOP_K }, signal),
  );
  return (
    <Show loaded={loaded.value} retry={reload}>
      {(comparison) => (
        <>
          <Agreement comparison={comparison} a={a} b={b} />
          <Moved project={project} comparison={comparison} a={a} b={b} />
        </>
      )}
    </Show>
  );
}

function Agreement({
  comparison: { agreement, cosine },
  a,
  b,
}: {
  comparison: Comparison;
  a: string;
  b: string;
}): JSX.Element {
  const { both, only_a, only_b } = agreement;
  return (
    <section class="block" aria-labelledby="agreement">
      <h2 id="agreement">The {TOP_K} highest of each</h2>
      <div class="agreement" style={{ "--a": only_a, "--both": both, "--b": only_b }} aria-hidden="true">
        <i />
        <i />
        <i />
      </div>
      <dl class="figures">
        <div>
          <dt>only {sideWords(a)}</dt>
          <dd>{count(only_a)}</dd>
        </div>
        <div>
          <dt>both</dt>
          <dd>{count(both)}</dd>
        </div>
        <div>
          <dt>only {sideWords(b)}</dt>
          <dd>{count(only_b)}</dd>
        </div>
        <div>
          <dt>angle between them</dt>
          <dd>{Math.round((Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI)}°</dd>
        </div>
      </dl>
    </section>
  );
}

function Moved({
  project,
  comparison: { moved },
  a,
  b,
}: {
  project: string;
  comparison: Comparison;
  a: string;
  b: string;
}): JSX.Element {
  return (
    <section class="block" aria-labelledby="moved">
      <h2 id="moved">What moved</h2>
      {moved.length === 0 && <p class="soft">Nothing: both rank the same records alike.</p>}
      {moved.length > 0 && (
        <div class="table-box" tabIndex={0} role="region" aria-label="Table of moves">
          <table class="moved">
            <thead>
              <tr>
                <th scope="col">Record</th>
                <th scope="col">Rank in {sideWords(a)}</th>
                <th scope="col">Rank in {sideWords(b)}</th>
                <th scope="col">Move</th>
              </tr>
            </thead>
            <tbody>
              {moved.map(({ record, rank_a, rank_b, score_a, score_b }) => (
                <tr key={record.id}>
                  <th scope="row">
                    <Thumb project={project} record={record} />
                  </th>
                  <td class="num">
                    {rankWords(rank_a)} <span class="soft fine">{logit(score_a)}</span>
                  </td>
                  <td class="num">
                    {rankWords(rank_b)} <span class="soft fine">{logit(score_b)}</span>
                  </td>
                  <td>{moveWords(rank_a, rank_b)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** `name@3` in words. */
const sideWords = (side: string): string => side.replace(/@(\d+)$/, ", round $1");

const rankWords = (rank: number | null | undefined): string =>
  rank == null ? `beyond ${TOP_K}` : count(rank);

function moveWords(from: number | null | undefined, to: number | null | undefined): string {
  if (from == null) return "↑ in";
  if (to == null) return "↓ out";
  if (from === to) return "stays";
  return from > to ? `↑ ${plural(from - to, "rank")}` : `↓ ${plural(to - from, "rank")}`;
}
