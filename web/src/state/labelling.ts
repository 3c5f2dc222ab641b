// A session being labelled: its rounds, and what each fit says.

import { computed, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import { fit, insight, nextRound, resetSeen, session } from "../api/calls.ts";
import type { Seat } from "../api/calls.ts";
import type { Answer, Insight, Round, Session, ShownRecord } from "../api/types.ts";
import { fitWords, plural } from "../format.ts";
import { scoreOfModel } from "../score.ts";
import { asNumber, keep, kept, local } from "../storage.ts";
import { Answers } from "./answers.ts";
import { Deck } from "./deck.ts";
import { announce, report } from "./ui.ts";

export type Phase = "opening" | "labelling" | "fitting" | "exhausted" | "failed";

const ROUND_SIZE = "linprobe/round-size";
export const ROUND_SIZES = [5, 10, 20, 30, 50];
export const roundSize = signal(kept(local, ROUND_SIZE, asNumber) ?? 10);

/** Changes how many records the next round shows. */
export function setRoundSize(size: number): void {
  roundSize.value = size;
  keep(local, ROUND_SIZE, size);
}

/** What the model would say of a record. */
export const modelScore = ({ probability }: ShownRecord): number => scoreOfModel(probability);

/** The labelling of a seat, for as long as it is shown. */
export function useLabelling(seat: Seat): Labelling {
  const labelling = useMemo(() => new Labelling(seat), [seat]);
  useEffect(() => {
    const control = new AbortController();
    const stop = labelling.deck.listen();
    void labelling.open(control.signal);
    return () => {
      control.abort();
      stop();
    };
  }, [labelling]);
  return labelling;
}

export class Labelling {
  readonly phase = signal<Phase>("opening");
  readonly error = signal<unknown>(null);
  readonly session = signal<Session | null>(null);
  readonly round = signal(0);
  readonly insight = signal<Insight | null>(null);
  /** Whether a first "fit" found cards open, and nothing was answered since: the second one skips them. */
  readonly asksAgain = computed(() => this.askedAt.value === this.deck.answers.given.value);
  readonly deck: Deck<ShownRecord>;
  private readonly askedAt = signal<ReadonlyMap<string, Answer> | null>(null);

  constructor(readonly seat: Seat) {
    this.deck = new Deck(new Answers(seat, "labels"));
  }

  /** Opens the session: with the round that is open, else with a new one. */
  async open(signal?: AbortSignal): Promise<void> {
    try {
      await this.deck.answers.ask(
        () => session(this.seat, signal),
        (opened) => {
          this.session.value = opened;
          if (opened.round_open != null) this.show(opened.round_open);
        },
      );
      await (this.session.value?.round_open == null ? this.next() : this.look(signal));
    } catch (error) {
      if (signal?.aborted !== true) this.fail(error);
    }
  }

  /** Fits, and shows the next round. With cards still open it asks first, by waiting for a second call. */
  async fitAndNext(): Promise<void> {
    if (this.phase.value === "fitting") return;
    const nOpen = this.deck.open.value.length;
    if (nOpen > 0 && !this.asksAgain.value) {
      this.askedAt.value = this.deck.answers.given.value;
      announce(`${nOpen} records are not scored. Fit again to skip them.`);
      return;
    }
    // Skipped one by one: a repeated request cannot skip the records of the round that it opens.
    this.deck.skipRest();
    await this.next();
  }

  /** Fits without a new round, so that a corrected label shows at once. */
  async refit(): Promise<void> {
    try {
      await this.deck.answers.saved();
      const seen = await fit(this.seat);
      this.insight.value = seen;
      announce(`Fitted again: ${fitWords(seen)}`);
    } catch (error) {
      report(error);
    }
  }

  /** Lets the session show again what it has shown. */
  async showAgain(): Promise<void> {
    try {
      this.session.value = await resetSeen(this.seat);
      await this.next();
    } catch (error) {
      report(error);
    }
  }

  private async next(): Promise<void> {
    this.phase.value = "fitting";
    this.deck.held.value = true;
    try {
      await this.deck.answers.saved();
      const { round, insight: seen } = await nextRound(this.seat, roundSize.value);
      this.insight.value = seen;
      this.show(round);
      // The doubtful labels of this answer are those from before the round; looking anew is not waited for.
      void this.look().catch(() => undefined);
      announce(`Round ${round.number}: ${plural(round.records.length, "record")}. ${fitWords(seen)}`);
    } catch (error) {
      if (this.deck.cards.value.length === 0) this.fail(error);
      else {
        this.phase.value = "labelling";
        report(error);
      }
    } finally {
      this.deck.held.value = false;
    }
  }

  private async look(signal?: AbortSignal): Promise<void> {
    this.insight.value = await insight(this.seat, signal);
  }

  private show(round: Round): void {
    this.round.value = round.number;
    this.deck.deal(round.records);
    this.phase.value = round.records.length === 0 ? "exhausted" : "labelling";
  }

  private fail(error: unknown): void {
    this.error.value = error;
    this.phase.value = "failed";
  }
}
