// Cards to answer, and a cursor on one of them.

import { batch, computed, effect, signal } from "@preact/signals";

import { answerOf } from "../api/types.ts";
import type { GivenAnswer, LinRecord } from "../api/types.ts";
import { titleOf } from "../format.ts";
import { nudge } from "../score.ts";
import { Answers } from "./answers.ts";
import { announce } from "./ui.ts";

export interface Dealt {
  record: LinRecord;
  answer?: GivenAnswer | null;
}

export class Deck<T extends Dealt> {
  readonly cards = signal<T[]>([]);
  readonly cursor = signal(0);
  /** Set while the next cards are on their way: a key pressed early must not answer what is no longer looked at. */
  readonly held = signal(false);
  readonly open = computed(() =>
    this.cards.value.filter(({ record }) => !this.answers.given.value.has(record.id)),
  );

  constructor(readonly answers: Answers) {}

  get current(): T | undefined {
    return this.cards.value[this.cursor.value];
  }

  /** Lays out cards, and puts the cursor on the first open one. */
  deal(cards: T[]): void {
    batch(() => {
      this.cards.value = cards;
      const answered = cards.map(({ record, answer }) => [record.id, answerOf(answer)] as const);
      this.answers.start(
        answered.flatMap(([id, answer]) => (answer === null ? [] : [[id, answer] as const])),
      );
      this.cursor.value = Math.max(0, this.nextOpen(0));
    });
  }

  /** Hears of answers until the function that it gives is called; an undo brings the cursor back. */
  listen(): () => void {
    const stops = [
      this.answers.listen(),
      effect(() => {
        const back = this.answers.tookBack.value;
        const idx = this.cards.peek().findIndex(({ record }) => record.id === back?.id);
        if (idx !== -1) this.cursor.value = idx;
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }

  moveTo(idx: number): void {
    this.cursor.value = Math.min(Math.max(0, idx), Math.max(0, this.cards.value.length - 1));
  }

  label(card: T, score: number): void {
    this.answers.label(card.record.id, titleOf(card.record), score);
  }

  /** Scores the card at the cursor and moves on. */
  labelCurrent(scoreOf: (card: T) => number): void {
    const card = this.current;
    if (card === undefined || this.held.value) return;
    this.label(card, scoreOf(card));
    this.advance();
  }

  /** Moves the score of the card at the cursor a little, from `base` if it has none. */
  nudgeCurrent(by: number, base: (card: T) => number): void {
    const card = this.current;
    if (card !== undefined && !this.held.value)
      this.label(card, nudge(this.answers.labelOf(card.record.id) ?? base(card), by));
  }

  /** Says nothing of the card at the cursor and moves on. */
  skipCurrent(): void {
    const card = this.current;
    if (card === undefined || this.held.value) return;
    this.answers.skip(card.record.id, titleOf(card.record));
    this.advance();
  }

  /** Gives a score to every card that has no answer. */
  labelRest(scoreOf: (card: T) => number): void {
    if (this.held.value) return;
    const open = this.open.value;
    batch(() => open.forEach((card) => this.label(card, scoreOf(card))));
    announce(`${open.length} more scored`);
  }

  /** Takes back the last answer. */
  undo(): void {
    if (!this.held.value) this.answers.undo();
  }

  skipRest(): void {
    const open = this.open.value;
    batch(() => open.forEach(({ record }) => this.answers.skip(record.id, titleOf(record))));
  }

  /** Moves to the next open card, or stays where all are answered. */
  private advance(): void {
    const next = this.nextOpen(this.cursor.value + 1);
    if (next !== -1) this.cursor.value = next;
  }

  private nextOpen(from: number): number {
    const cards = this.cards.value;
    const order = cards.map((_, step) => (from + step) % cards.length);
    return order.find((idx) => !this.answers.given.value.has(cards[idx]?.record.id ?? "")) ?? -1;
  }
}
