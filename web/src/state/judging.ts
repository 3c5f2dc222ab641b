// An audit: records drawn at random, judged blind, and the report on what was judged.

import { signal } from "@preact/signals";

import { audit, learnAudit, startAudit } from "../api/calls.ts";
import type { AuditRequest, Seat } from "../api/calls.ts";
import { ApiError } from "../api/client.ts";
import type { Answer, AuditState } from "../api/types.ts";
import { titleOf } from "../format.ts";
import { Answers } from "./answers.ts";
import { Deck } from "./deck.ts";
import type { Dealt } from "./deck.ts";
import { announce, note, report } from "./ui.ts";

export class Judging {
  /** Null before the server has told, and where no audit was made. */
  readonly state = signal<AuditState | null>(null);
  readonly phase = signal<"opening" | "here" | "failed">("opening");
  readonly error = signal<unknown>(null);
  readonly deck: Deck<Dealt>;

  constructor(readonly seat: Seat) {
    this.deck = new Deck(new Answers(seat, "audit", (state) => this.restate(state)));
  }

  async open(signal?: AbortSignal): Promise<void> {
    try {
      await this.deck.answers.ask(
        () => audit(this.seat, signal),
        (state) => this.show(state),
      );
    } catch (error) {
      if (signal?.aborted === true) return;
      if (error instanceof ApiError && error.slug === "no-audit") this.phase.value = "here";
      else {
        this.error.value = error;
        this.phase.value = "failed";
      }
    }
  }

  /** Draws records, or goes on with those that are drawn. */
  async start(request: AuditRequest): Promise<void> {
    try {
      this.show(await startAudit(this.seat, request));
    } catch (error) {
      report(error);
    }
  }

  /** Asks for the report, once the server has every judgement. */
  async finish(): Promise<void> {
    try {
      await this.deck.answers.saved();
      this.show(await audit(this.seat));
    } catch (error) {
      report(error);
    }
  }

  /** Makes labels of the judgements. */
  async learn(): Promise<void> {
    try {
      await learnAudit(this.seat);
      note("done", "the judgements are labels now; they measure nothing any more");
      await this.finish();
    } catch (error) {
      report(error);
    }
  }

  /** Shows an audit after an undo whose judgement the page did not know, with the cursor on what was taken back. */
  private restate(state: AuditState): void {
    const { answers } = this.deck;
    const before = answers.given.value;
    this.show(state);
    const taken = state.records.find(({ record: { id } }) =>
      differ(before.get(id), answers.given.value.get(id)),
    )?.record;
    if (taken === undefined) return;
    answers.tookBack.value = { id: taken.id };
    announce(`${titleOf(taken)}: taken back`);
  }

  private show(state: AuditState): void {
    this.state.value = state;
    this.deck.deal(state.records);
    this.phase.value = "here";
  }
}

/** Whether what was answered is so no more. */
function differ(before: Answer | undefined, after: Answer | undefined): boolean {
  return before !== undefined && JSON.stringify(before) !== JSON.stringify(after);
}
