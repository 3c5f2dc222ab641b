// A record to score: what it is, what it was scored, why it is shown.

import type { JSX } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";

import type { Answer, LinRecord } from "../api/types.ts";
import { count, logit, percent, plural, titleOf } from "../format.ts";
import { scoreOfModel } from "../score.ts";
import { Media } from "./media.tsx";
import { ScoreSlider } from "./score-slider.tsx";
import { Stage, treeOf } from "./stage.ts";

/** Why a record is shown; absent where the judge must not know. */
export interface Why {
  words: string;
  score: number;
  probability: number;
  /** How many others of those that it was chosen from are nearly the same. */
  nAlike: number;
}

export interface CardProps {
  project: string;
  record: LinRecord;
  answer: Answer | undefined;
  why: Why | null;
  current: boolean;
  unsaved: boolean;
  onCurrent: () => void;
  onScore: (score: number) => void;
  onZoom: () => void;
}

export function Card(props: CardProps): JSX.Element {
  const { project, record, answer, why, current, unsaved, onCurrent, onScore, onZoom } = props;
  const card = useFocusWhile(current);
  const name = titleOf(record);
  const score = answer !== undefined && "label" in answer ? answer.label : null;
  const skipped = answer !== undefined && "skipped" in answer;
  const state = skipped ? "skipped" : score === null ? "open" : "scored";
  return (
    <article
      ref={card}
      class={`card card-${record.kind} is-${state} ${current ? "is-current" : ""}`}
      tabIndex={current ? 0 : -1}
      aria-label={`${name}, ${state}`}
      aria-current={current}
      onPointerDown={onCurrent}
    >
      <div class="card-media" onDblClick={onZoom}>
        <Media project={project} record={record} />
        {skipped && <span class="badge">skipped</span>}
        {unsaved && <span class="badge badge-unsaved">not saved yet</span>}
      </div>
      <ScoreSlider
        name={name}
        score={score}
        model={why === null ? null : scoreOfModel(why.probability)}
        reachable={current}
        onFocus={onCurrent}
        onScore={onScore}
      />
      {why !== null && <WhyLine why={why} />}
    </article>
  );
}

function WhyLine({ why }: { why: Why }): JSX.Element {
  return (
    <p class="why">
      <span>{why.words}</span>
      {why.nAlike > 0 && (
        <span class="alike" title={`${plural(why.nAlike, "record")} more, nearly the same`}>
          +{count(why.nAlike)} alike
        </span>
      )}
      <span class="num" title={`score ${logit(why.score)}, probability ${percent(why.probability)}`}>
        {logit(why.score)}
      </span>
    </p>
  );
}

/** The card at the cursor has the focus, unless the focus is at work elsewhere. */
function useFocusWhile(current: boolean): { current: HTMLElement | null } {
  const card = useRef<HTMLElement>(null);
  const { hasKeyboard } = useContext(Stage);
  useEffect(() => {
    if (!current || card.current === null || !hasKeyboard()) return;
    const active = treeOf(card.current).activeElement;
    const idle = active === null || active.matches("body, main, .widget") || active.closest(".card") !== null;
    if (card.current.contains(active) || !idle) return;
    card.current.focus({ preventScroll: true });
    card.current.scrollIntoView({ block: "nearest" });
  }, [current]);
  return card;
}
