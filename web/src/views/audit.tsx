// The audit: records drawn at random and judged blind, then precision and recall with their intervals.

import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Seat } from "../api/calls.ts";
import { count, plural } from "../format.ts";
import { columnsOf, step } from "../grid.ts";
import { AuditReportView } from "../parts/audit-report.tsx";
import { Card } from "../parts/card.tsx";
import { HeldUp } from "../parts/held-up.tsx";
import { KeyButton, useKeys } from "../parts/key.tsx";
import { PolicyFields } from "../parts/policy-form.tsx";
import type { PolicyChoice } from "../parts/policy-form.tsx";
import { ScoreKeys, scoreHandlers } from "../parts/score-keys.tsx";
import { Failure } from "../parts/states.tsx";
import { Zoom } from "../parts/zoom.tsx";
import { FINE_STEP } from "../score.ts";
import { Judging } from "../state/judging.ts";
import type { ChosenThreshold } from "../state/threshold.ts";

interface AuditViewProps {
  seat: Seat;
  threshold: ChosenThreshold;
}

export function AuditView({ seat, threshold }: AuditViewProps): JSX.Element {
  const judging = useMemo(() => new Judging(seat), [seat]);
  useEffect(() => {
    const control = new AbortController();
    const stop = judging.deck.listen();
    void judging.open(control.signal);
    return () => {
      control.abort();
      stop();
    };
  }, [judging]);
  const state = judging.state.value;
  if (judging.phase.value === "failed")
    return <Failure error={judging.error.value} retry={() => void judging.open()} />;
  if (judging.phase.value === "opening")
    return (
      <p class="loading" role="status">
        Loading…
      </p>
    );
  const open = state?.open === true;
  return (
    <div class={open ? "label-main audit-open" : "page"}>
      {open && <Judge judging={judging} />}
      {!open && state?.report !== null && state?.report !== undefined && (
        <AuditReportView report={state.report} onLearn={() => void judging.learn()} />
      )}
      {!open && <AuditForm judging={judging} chosen={threshold.chosen.value} again={state !== null} />}
    </div>
  );
}

const BUDGET = 100;

function AuditForm({
  judging,
  chosen,
  again,
}: {
  judging: Judging;
  chosen: number | null;
  again: boolean;
}): JSX.Element {
  const [budget, setBudget] = useState(BUDGET);
  const [choice, setChoice] = useState<PolicyChoice>(
    chosen === null ? { policy: "f1" } : { policy: "score", value: chosen },
  );
  return (
    <section class="block" aria-labelledby="audit-form">
      <h2 id="audit-form">{again ? "Audit again" : "How good is the classifier?"}</h2>
      <p class="measure">
        Labels of the rounds are no test: they were chosen where the classifier is sure. An audit draws
        records at random, many where positives may be and some everywhere, and shows them without score or
        reason. Your judgements give precision, recall and the number of relevant records in the whole
        dataset, each with an interval that holds the truth in nine of ten audits.
      </p>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void judging.start({ budget, ...choice });
        }}
      >
        <label class="inline-field">
          <span>Judge</span>
          <input
            class="short"
            type="number"
            min={10}
            max={2000}
            required
            value={budget}
            onInput={(event) => setBudget(event.currentTarget.valueAsNumber)}
          />
          <span>records, for</span>
        </label>
        {chosen === null ? (
          <PolicyFields onChange={setChoice} />
        ) : (
          <span>the threshold that you have set</span>
        )}
        <button type="submit" class="button primary">
          Start the audit
        </button>
      </form>
    </section>
  );
}

/** How many cards are laid out at once: an audit of 500 is judged in portions. */
const PORTION = 12;

function Judge({ judging }: { judging: Judging }): JSX.Element {
  const { deck, seat } = judging;
  const grid = useRef<HTMLUListElement>(null);
  const [zoomed, setZoomed] = useState(false);
  const n = deck.cards.value.length;
  const nOpen = deck.open.value.length;
  const first = Math.floor(deck.cursor.value / PORTION) * PORTION;
  const current = deck.current;
  const move = (by: number) => deck.moveTo(step(deck.cursor.value, by, n));
  const label = (score: number) => deck.labelCurrent(() => score);
  const finish = () => nOpen === 0 && void judging.finish();
  useKeys({
    ...scoreHandlers(label),
    "move-left": () => move(-1),
    "move-right": () => move(1),
    "move-up": () => move(-columnsOf(grid.current)),
    "move-down": () => move(columnsOf(grid.current)),
    more: () => deck.nudgeCurrent(FINE_STEP, () => 0),
    less: () => deck.nudgeCurrent(-FINE_STEP, () => 0),
    skip: () => deck.skipCurrent(),
    undo: () => deck.undo(),
    zoom: () => setZoomed(true),
    fit: finish,
  });
  return (
    <>
      <div class="round-bar">
        <h2>Blind audit</h2>
        <progress class="round-progress" max={Math.max(1, n)} value={n - nOpen} aria-label="Records judged" />
        <span class="num soft">
          {count(n - nOpen)} of {count(n)}
        </span>
      </div>
      <ul ref={grid} class={`plain grid grid-${deck.cards.value[0]?.record.kind ?? "text"}`}>
        {deck.cards.value.slice(first, first + PORTION).map((card, idx) => (
          <li key={card.record.id}>
            <Card
              project={seat.project}
              record={card.record}
              answer={deck.answers.given.value.get(card.record.id)}
              why={null}
              current={deck.cursor.value === first + idx}
              unsaved={deck.answers.unsaved.value.has(card.record.id)}
              onCurrent={() => deck.moveTo(first + idx)}
              onScore={(score) => deck.label(card, score)}
              onZoom={() => setZoomed(true)}
            />
          </li>
        ))}
      </ul>
      <div class="actions" role="group" aria-label="Judgements">
        <HeldUp answers={deck.answers} then="the report comes" />
        <ScoreKeys
          onScore={label}
          score={current === undefined ? null : deck.answers.labelOf(current.record.id)}
        />
        <div class="actions-group">
          <KeyButton action="skip" onPress={() => deck.skipCurrent()} />
          <KeyButton action="undo" onPress={() => deck.undo()} />
          <KeyButton action="zoom" class="wide-only" onPress={() => setZoomed(true)} />
        </div>
        <div class="actions-group actions-fit">
          <KeyButton
            action="fit"
            class="primary"
            label={nOpen === 0 ? "Show the report" : `${plural(nOpen, "record")} to judge`}
            disabled={nOpen > 0}
            onPress={finish}
          />
        </div>
      </div>
      {zoomed && current !== undefined && (
        <Zoom project={seat.project} record={current.record} onClose={() => setZoomed(false)} />
      )}
    </>
  );
}
