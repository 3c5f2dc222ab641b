// Labelling: a grid of cards, the keys under it, and what the last fit says beside it.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { ShownRecord } from "../api/types.ts";
import { amount, count, plural } from "../format.ts";
import { columnsOf, step } from "../grid.ts";
import { verdictWords } from "../parts/advice.tsx";
import { Card } from "../parts/card.tsx";
import { HeldUp } from "../parts/held-up.tsx";
import { InsightPanel } from "../parts/insight-panel.tsx";
import { Key, KeyButton, useKeys } from "../parts/key.tsx";
import { ScoreKeys, scoreHandlers } from "../parts/score-keys.tsx";
import { Empty, Failure } from "../parts/states.tsx";
import { Zoom } from "../parts/zoom.tsx";
import { FINE_STEP, MIN } from "../score.ts";
import { modelScore, ROUND_SIZES, roundSize, setRoundSize } from "../state/labelling.ts";
import type { Labelling } from "../state/labelling.ts";
import type { ChosenThreshold } from "../state/threshold.ts";

interface LabelViewProps {
  labelling: Labelling;
  threshold: ChosenThreshold;
  /** Of the records, once it is known. */
  kind: string | null;
}

export function LabelView({ labelling, threshold, kind }: LabelViewProps): JSX.Element {
  const grid = useRef<HTMLUListElement>(null);
  const [zoomed, setZoomed] = useState(false);
  const [panelOpen, setPanelOpen] = useState(false);
  const panel = useRef<HTMLElement>(null);
  // Where there is no room beside the cards it opens above them, which may be out of sight.
  useEffect(() => {
    if (panelOpen) panel.current?.scrollIntoView({ block: "nearest" });
  }, [panelOpen]);
  useLabelKeys({ labelling, grid, zoom: () => setZoomed(true), panel: () => setPanelOpen(!panelOpen) });
  const { phase, deck, seat, round } = labelling;
  const current = deck.current;
  const opening = round.value === 0 && phase.value !== "exhausted";
  if (phase.value === "failed") {
    return <Failure error={labelling.error.value} retry={() => void labelling.open()} />;
  }
  return (
    <div class="label-view">
      <section class="label-main" aria-label="Round" aria-busy={phase.value === "fitting"}>
        <RoundBar labelling={labelling} panelOpen={panelOpen} onPanel={() => setPanelOpen(!panelOpen)} />
        {opening && kind !== null && <Skeletons kind={kind} />}
        {phase.value === "exhausted" && <Exhausted labelling={labelling} />}
        <ul ref={grid} class={`plain grid grid-${deck.cards.value[0]?.record.kind}`}>
          {deck.cards.value.map((shown, idx) => (
            <li key={shown.record.id}>
              <RoundCard labelling={labelling} shown={shown} idx={idx} onZoom={() => setZoomed(true)} />
            </li>
          ))}
        </ul>
        <ActionBar labelling={labelling} onZoom={() => setZoomed(true)} />
      </section>
      <aside ref={panel} class={`label-side ${panelOpen ? "is-open" : ""}`} aria-label="Insight">
        <Side labelling={labelling} threshold={threshold} />
      </aside>
      {zoomed && current !== undefined && (
        <Zoom project={seat.project} record={current.record} onClose={() => setZoomed(false)} />
      )}
    </div>
  );
}

function RoundCard({
  labelling,
  shown,
  idx,
  onZoom,
}: {
  labelling: Labelling;
  shown: ShownRecord;
  idx: number;
  onZoom: () => void;
}): JSX.Element {
  const { deck, seat } = labelling;
  const id = shown.record.id;
  return (
    <Card
      project={seat.project}
      record={shown.record}
      answer={deck.answers.given.value.get(id)}
      why={{
        words: shown.reason_words,
        score: shown.score,
        probability: shown.probability,
        nAlike: shown.n_alike,
      }}
      current={deck.cursor.value === idx}
      unsaved={deck.answers.unsaved.value.has(id)}
      onCurrent={() => deck.moveTo(idx)}
      onScore={(score) => deck.label(shown, score)}
      onZoom={onZoom}
    />
  );
}

interface LabelKeys {
  labelling: Labelling;
  grid: { current: HTMLElement | null };
  zoom: () => void;
  panel: () => void;
}

function useLabelKeys({ labelling, grid, zoom, panel }: LabelKeys): void {
  const { deck } = labelling;
  const move = (by: number) => deck.moveTo(step(deck.cursor.value, by, deck.cards.value.length));
  useKeys({
    ...scoreHandlers((score) => deck.labelCurrent(() => score)),
    "move-left": () => move(-1),
    "move-right": () => move(1),
    "move-up": () => move(-columnsOf(grid.current)),
    "move-down": () => move(columnsOf(grid.current)),
    more: () => deck.nudgeCurrent(FINE_STEP, modelScore),
    less: () => deck.nudgeCurrent(-FINE_STEP, modelScore),
    skip: () => deck.skipCurrent(),
    agree: () => deck.labelCurrent(modelScore),
    "agree-rest": () => deck.labelRest(modelScore),
    rest: () => deck.labelRest(() => MIN),
    undo: () => deck.undo(),
    fit: () => void labelling.fitAndNext(),
    zoom,
    panel,
  });
}

function RoundBar({
  labelling,
  panelOpen,
  onPanel,
}: {
  labelling: Labelling;
  panelOpen: boolean;
  onPanel: () => void;
}): JSX.Element {
  const { deck, round, insight } = labelling;
  const n = deck.cards.value.length;
  const nDone = n - deck.open.value.length;
  const seen = insight.value;
  return (
    <div class="round-bar">
      <h2>Round {round.value === 0 ? "…" : round.value}</h2>
      <progress
        class="round-progress"
        max={Math.max(1, n)}
        value={nDone}
        aria-label="Records answered in this round"
      />
      <span class="num soft">
        {nDone} of {n}
      </span>
      {seen !== null && (
        <span class="round-summary soft">
          <strong>{count(seen.n_positive_found)}</strong> found · {amount(seen.n_expected_left)} left ·{" "}
          {verdictWords(seen)}
        </span>
      )}
      <label class="inline-field size-field">
        <span>Next round of</span>
        <select
          value={String(roundSize.value)}
          onChange={(event) => setRoundSize(Number(event.currentTarget.value))}
        >
          {ROUND_SIZES.map((size) => (
            <option key={size} value={String(size)}>
              {size}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="button small narrow-only" aria-expanded={panelOpen} onClick={onPanel}>
        Insight <Key action="panel" />
      </button>
    </div>
  );
}

function ActionBar({ labelling, onZoom }: { labelling: Labelling; onZoom: () => void }): JSX.Element {
  const { deck, phase, asksAgain } = labelling;
  const nOpen = deck.open.value.length;
  const fitting = phase.value === "fitting";
  const them = nOpen === 1 ? "it" : "them";
  return (
    <div class="actions" role="group" aria-label="Answers">
      {asksAgain.value && (
        <p class="actions-ask">
          {plural(nOpen, "record")} not scored. “Skip and fit” <Key action="fit" /> skips {them}, “Rest −1”{" "}
          <Key action="rest" /> scores {them} −1.
        </p>
      )}
      <HeldUp answers={deck.answers} then="the next round comes" />
      <ScoreKeys
        onScore={(score) => deck.labelCurrent(() => score)}
        score={deck.current === undefined ? null : deck.answers.labelOf(deck.current.record.id)}
      />
      <div class="actions-group">
        <KeyButton action="skip" onPress={() => deck.skipCurrent()} />
        <KeyButton action="agree" label="Agree" onPress={() => deck.labelCurrent(modelScore)} />
        <KeyButton action="undo" onPress={() => deck.undo()} />
        <KeyButton action="zoom" class="wide-only" onPress={onZoom} />
      </div>
      <div class="actions-group">
        <KeyButton
          action="rest"
          label="Rest −1"
          onPress={() => deck.labelRest(() => MIN)}
          disabled={nOpen === 0}
        />
        <KeyButton
          action="agree-rest"
          label="Agree rest"
          onPress={() => deck.labelRest(modelScore)}
          disabled={nOpen === 0}
        />
      </div>
      <div class="actions-group actions-fit">
        <KeyButton
          action="fit"
          class="primary"
          label={fitting ? "Fitting…" : asksAgain.value ? "Skip and fit" : "Fit and next"}
          onPress={() => void labelling.fitAndNext()}
        />
      </div>
    </div>
  );
}

function Side({ labelling, threshold }: { labelling: Labelling; threshold: ChosenThreshold }): JSX.Element {
  const seen = labelling.insight.value;
  if (seen === null)
    return (
      <p class="loading" role="status">
        Fitting…
      </p>
    );
  return (
    <InsightPanel
      seat={labelling.seat}
      insight={seen}
      threshold={threshold.chosen.value ?? seen.threshold}
      busy={labelling.phase.value === "fitting"}
      onThreshold={threshold.choose}
      onRelabel={(id, label) => {
        labelling.deck.answers.label(id, id, label);
        void labelling.refit();
      }}
    />
  );
}

function Exhausted({ labelling }: { labelling: Labelling }): JSX.Element {
  return (
    <Empty title="Every record was shown">
      <p>There is nothing left to label in this session. Look at the results, or audit the classifier.</p>
      <button type="button" class="button" onClick={() => void labelling.showAgain()}>
        Show records again
      </button>
    </Empty>
  );
}

function Skeletons({ kind }: { kind: string }): JSX.Element {
  return (
    <div class={`grid grid-${kind}`} role="status" aria-label="Loading the round">
      {Array.from({ length: roundSize.value }, (_, idx) => (
        <div key={idx} class={`card card-${kind} skeleton`} />
      ))}
    </div>
  );
}
