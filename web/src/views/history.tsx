// What was shown and said, round by round; any round can be gone back to, in a session of its own.

import type { JSX } from "preact";

import { branch, history as askHistory, resetSeen } from "../api/calls.ts";
import type { Seat } from "../api/calls.ts";
import { answerOf } from "../api/types.ts";
import type { Answer, HistoryRound } from "../api/types.ts";
import { count, plural } from "../format.ts";
import { Thumb } from "../parts/media.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { href } from "../route.ts";
import { lean, scoreText } from "../score.ts";
import { useResource } from "../state/resource.ts";
import { note, report } from "../state/ui.ts";
import { goTo } from "../state/where.ts";

export function HistoryView({ seat }: { seat: Seat }): JSX.Element {
  const { loaded, reload } = useResource(seat.session, (signal) => askHistory(seat, signal));
  return (
    <div class="page">
      <Show loaded={loaded.value} retry={reload}>
        {({ rounds }) => (
          <>
            {rounds.length === 0 && (
              <Empty title="No rounds yet">
                <p>Rounds stand here once records were scored.</p>
              </Empty>
            )}
            {rounds.length > 0 && <ShowAgain seat={seat} />}
            <ol class="plain history">
              {[...rounds].reverse().map((round) => (
                <li key={round.round}>
                  <Round seat={seat} round={round} last={rounds.at(-1)?.round ?? 0} />
                </li>
              ))}
            </ol>
          </>
        )}
      </Show>
    </div>
  );
}

/** Lets the session show again what it has shown; its labels stay. */
function ShowAgain({ seat }: { seat: Seat }): JSX.Element {
  const reset = async () => {
    try {
      await resetSeen(seat);
      note("done", "records may be shown again; their labels stay");
    } catch (error) {
      report(error);
    }
  };
  return (
    <p class="row show-again">
      <button type="button" class="button small" onClick={() => void reset()}>
        Show records again
      </button>
      <span class="soft fine">Rounds may then show what they have shown; labels stay.</span>
    </p>
  );
}

function Round({ seat, round, last }: { seat: Seat; round: HistoryRound; last: number }): JSX.Element {
  const { project, session } = seat;
  const startBranch = async () => {
    try {
      const made = await branch(seat, round.round);
      note("done", `“${made.name}” goes on from round ${round.round}`);
      goTo(href({ view: "session", project, session: made.name, tab: "label" }));
    } catch (error) {
      report(error);
    }
  };
  return (
    <article class="history-round" aria-label={`Round ${round.round}`}>
      <header class="history-head">
        <h2>Round {round.round}</h2>
        <p class="soft">{outcomeOf(round)}</p>
        {round.n_labels > 0 && (
          <p class="row">
            <button type="button" class="button small" onClick={() => void startBranch()}>
              Branch from here
            </button>
            {round.round !== last && (
              <a
                class="button small"
                href={href({ view: "compare", project, a: `${session}@${round.round}`, b: session })}
              >
                Compare with now
              </a>
            )}
          </p>
        )}
      </header>
      <ul class="plain history-records">
        {round.records.map(({ record, answer }) => (
          <li key={record.id}>
            <Thumb project={project} record={record} /> <Given answer={answerOf(answer)} />
          </li>
        ))}
      </ul>
    </article>
  );
}

function outcomeOf({ n_labels, n_positive, n_positive_total, angle_degrees, n_above }: HistoryRound): string {
  if (n_labels === 0) return "no labels yet";
  const parts = [
    `${plural(n_labels, "label")}, ${count(n_positive)} relevant`,
    `${count(n_positive_total)} found so far`,
    `turned by ${Math.round(angle_degrees)}°`,
    n_above == null ? null : `${count(n_above)} above the threshold`,
  ];
  return parts.filter((part) => part !== null).join(" · ");
}

function Given({ answer }: { answer: Answer | null }): JSX.Element {
  if (answer === null) return <span class="soft fine num">not scored</span>;
  if (!("label" in answer)) return <span class="soft fine">skipped</span>;
  return (
    <span class={`mini-chip is-${lean(answer.label)}`} style={{ "--m": Math.abs(answer.label) }}>
      {scoreText(answer.label)}
    </span>
  );
}
