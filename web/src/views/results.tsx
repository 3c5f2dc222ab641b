// Results: every record by its score, the cut where the threshold lies, and corrections made where an error is seen.

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { fit, insight as askInsight } from "../api/calls.ts";
import type { Seat } from "../api/calls.ts";
import type { Insight, LinRecord } from "../api/types.ts";
import { count, fitWords, titleOf } from "../format.ts";
import { ExportDialog } from "../parts/export-dialog.tsx";
import { HeldUp } from "../parts/held-up.tsx";
import { Histogram } from "../parts/histogram.tsx";
import { Key, KeyButton, useKeys } from "../parts/key.tsx";
import { PolicyForm } from "../parts/policy-form.tsx";
import { RankedList } from "../parts/ranked-list.tsx";
import { ScoreKeys, scoreHandlers } from "../parts/score-keys.tsx";
import { Failure, Show } from "../parts/states.tsx";
import { Zoom } from "../parts/zoom.tsx";
import { Answers } from "../state/answers.ts";
import { Ranking } from "../state/ranking.ts";
import type { Order } from "../state/ranking.ts";
import { useResource } from "../state/resource.ts";
import type { ChosenThreshold } from "../state/threshold.ts";
import { announce, report } from "../state/ui.ts";

export interface SideProps {
  seat: Seat;
  threshold: ChosenThreshold;
  /** Of the records, once it is known. */
  kind: string | null;
  /** Hears what a fit says. */
  onFit: (seen: Insight) => void;
}

export function ResultsView({ seat, threshold, kind, onFit }: SideProps): JSX.Element {
  const { loaded, reload } = useResource(seat.session, (signal) => askInsight(seat, signal));
  const [order, setOrder] = useState<Order>("desc");
  const [fold, setFold] = useState(true);
  const ranking = useMemo(() => new Ranking(seat, order, fold), [seat, order, fold]);
  const answers = useMemo(() => new Answers(seat, "labels"), [seat]);
  useEffect(() => answers.listen(), [answers]);
  useEffect(() => {
    ranking.want([0]);
    return () => ranking.close();
  }, [ranking]);
  const [panelOpen, setPanelOpen] = useState(false);
  const [exporting, setExporting] = useState(false);
  useKeys({ panel: () => setPanelOpen(!panelOpen) });
  const refit = async () => {
    try {
      await answers.saved();
      const seen = await fit(seat);
      onFit(seen);
      ranking.renew();
      reload();
      announce(`Fitted again: ${fitWords(seen)}`);
    } catch (error) {
      report(error);
    }
  };
  return (
    <Show loaded={loaded.value} retry={reload}>
      {(insight) => (
        <div class="results-view">
          <section class="results-main" aria-label="Ranked records">
            <Controls
              total={ranking.total.value}
              order={order}
              onOrder={setOrder}
              fold={fold}
              onFold={setFold}
              panelOpen={panelOpen}
              onPanel={() => setPanelOpen(!panelOpen)}
            />
            {kind !== null && (
              <Ranked
                seat={seat}
                kind={kind}
                ranking={ranking}
                answers={answers}
                threshold={threshold.chosen.value ?? insight.threshold}
                onRefit={() => void refit()}
              />
            )}
          </section>
          <aside class={`results-side ${panelOpen ? "is-open" : ""}`} aria-label="Threshold">
            <ResultsSide
              seat={seat}
              insight={insight}
              threshold={threshold}
              onExport={() => setExporting(true)}
            />
          </aside>
          {exporting && (
            <ExportDialog
              seat={seat}
              threshold={threshold.chosen.value ?? insight.threshold}
              onClose={() => setExporting(false)}
            />
          )}
        </div>
      )}
    </Show>
  );
}

interface ControlsProps {
  total: number | null;
  order: Order;
  onOrder: (order: Order) => void;
  fold: boolean;
  onFold: (fold: boolean) => void;
  panelOpen: boolean;
  onPanel: () => void;
}

function Controls({ total, order, onOrder, fold, onFold, panelOpen, onPanel }: ControlsProps): JSX.Element {
  return (
    <div class="results-controls">
      <h2>{total === null ? "Results" : `${count(total)} records`}</h2>
      <label class="inline-field">
        <span>Order</span>
        <select value={order} onChange={(event) => onOrder(event.currentTarget.value as Order)}>
          <option value="desc">highest first</option>
          <option value="boundary">nearest to the boundary</option>
          <option value="asc">lowest first</option>
        </select>
      </label>
      <label class="inline-field">
        <input type="checkbox" checked={fold} onChange={(event) => onFold(event.currentTarget.checked)} />
        <span>Fold near-duplicates</span>
      </label>
      <button type="button" class="button small narrow-only" aria-expanded={panelOpen} onClick={onPanel}>
        Threshold and export <Key action="panel" />
      </button>
    </div>
  );
}

interface RankedProps {
  seat: Seat;
  kind: string;
  ranking: Ranking;
  answers: Answers;
  threshold: number;
  onRefit: () => void;
}

function Ranked({ seat, kind, ranking, answers, threshold, onRefit }: RankedProps): JSX.Element {
  const [wanted, setCursor] = useState(0);
  // A list gets shorter when a page comes in which records share places.
  const cursor = Math.min(wanted, Math.max(0, ranking.nItems.value - 1));
  const [selected, setSelected] = useState<ReadonlyMap<string, LinRecord>>(new Map());
  const [zoomed, setZoomed] = useState<LinRecord | null>(null);
  const current = ranking.at(cursor)?.record;
  const chosen = selected.size > 0 ? [...selected.values()] : current === undefined ? [] : [current];
  const score = (value: number) => {
    for (const record of chosen) answers.label(record.id, titleOf(record), value);
    setSelected(new Map());
  };
  const toggle = (record: LinRecord | undefined) =>
    record !== undefined && setSelected(toggled(selected, record));
  useKeys({
    ...scoreHandlers(score),
    skip: () => toggle(current),
    undo: () => answers.undo(),
    zoom: () => current !== undefined && setZoomed(current),
    fit: onRefit,
  });
  if (ranking.error.value !== null)
    return <Failure error={ranking.error.value} retry={() => ranking.renew()} />;
  return (
    <>
      <RankedList
        project={seat.project}
        kind={kind}
        ranking={ranking}
        given={answers.given.value}
        threshold={threshold}
        cursor={cursor}
        selected={selected}
        onCursor={setCursor}
        onToggle={toggle}
        onZoom={setZoomed}
      />
      <div class="actions" role="group" aria-label="Corrections">
        <p class="actions-count num">
          {selected.size === 0 ? "Correct the record at the cursor" : `${selected.size} selected`}
        </p>
        <HeldUp answers={answers} then="the fit is made" />
        <ScoreKeys onScore={score} score={null} />
        <div class="actions-group">
          <KeyButton action="skip" label="Select" onPress={() => toggle(current)} />
          <KeyButton action="undo" onPress={() => answers.undo()} />
        </div>
        <div class="actions-group actions-fit">
          <KeyButton action="fit" class="primary" label="Fit again" onPress={onRefit} />
        </div>
      </div>
      {zoomed !== null && <Zoom project={seat.project} record={zoomed} onClose={() => setZoomed(null)} />}
    </>
  );
}

function toggled(
  selected: ReadonlyMap<string, LinRecord>,
  record: LinRecord,
): ReadonlyMap<string, LinRecord> {
  const next = new Map(selected);
  if (!next.delete(record.id)) next.set(record.id, record);
  return next;
}

function ResultsSide({
  seat,
  insight,
  threshold,
  onExport,
}: {
  seat: Seat;
  insight: Insight;
  threshold: ChosenThreshold;
  onExport: () => void;
}): JSX.Element {
  const at = threshold.chosen.value ?? insight.threshold;
  return (
    <div class="insight">
      <section class="panel-part">
        <h3>What counts as positive</h3>
        <Histogram seat={seat} insight={insight} threshold={at} onThreshold={threshold.choose} />
        <PolicyForm seat={seat} onThreshold={threshold.choose} />
        {threshold.chosen.value !== null && (
          <button type="button" class="link" onClick={() => threshold.choose(null)}>
            Back to the fit’s own threshold
          </button>
        )}
      </section>
      <button type="button" class="button primary big" aria-haspopup="dialog" onClick={onExport}>
        Export…
      </button>
    </div>
  );
}
