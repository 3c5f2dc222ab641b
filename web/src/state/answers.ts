// What was answered in one session: shown at once, sent through the queue, corrected by what the server says.

import { computed, signal } from "@preact/signals";

import type { Seat } from "../api/calls.ts";
import { answerOf } from "../api/types.ts";
import type { Answer, AuditState } from "../api/types.ts";
import { uuid } from "../identity.ts";
import type { Door, Outcome } from "../queue.ts";
import { scoreText, scoreWords } from "../score.ts";
import { queue } from "./saving.ts";
import { announce, note } from "./ui.ts";

export class Answers {
  readonly given = signal<ReadonlyMap<string, Answer>>(new Map());
  /** The ids whose answers the server does not have. */
  readonly unsaved = computed(
    () =>
      new Set(
        queue.pending(this.seat, this.door).flatMap(({ act }) => (act.kind === "undo" ? [] : [act.id])),
      ),
  );
  /** Whether something waits for the server to have every answer, and the server does not answer. */
  readonly heldUp = computed(
    () => this.nAwaiting.value > 0 && queue.lane(this.seat, this.door)?.state === "waiting",
  );
  /** The record whose answer was taken back last, so that the cursor can go there. */
  readonly tookBack = signal<{ id: string } | null>(null);
  /** How many answers of this page the server was heard to have. */
  private nHeard = 0;
  /** How many wait for `saved`. */
  private readonly nAwaiting = signal(0);
  /** What was answered here, in order, with what stood there before. */
  private trail: { id: string; name: string; before: Answer | undefined }[] = [];
  /** The undos, by their requests, whose effect was shown when they were asked for. */
  private readonly shown = new Set<string>();

  constructor(
    readonly seat: Seat,
    readonly door: Door,
    /** Is told how an audit stands after an undo of what was judged before the page was loaded. */
    private readonly restate: (state: AuditState) => void = () => undefined,
  ) {}

  /** Starts from what the server knows, and over it what waits in the queue. */
  start(known: Iterable<readonly [id: string, answer: Answer]>): void {
    const answers = new Map(known);
    for (const { act } of queue.pending(this.seat, this.door)) {
      if (act.kind === "label") answers.set(act.id, { label: act.label });
      if (act.kind === "skip") answers.set(act.id, { skipped: true });
    }
    this.trail = [];
    this.shown.clear();
    this.given.value = answers;
  }

  /**
   * Asks the server until what it says was said with every answer that it has from here. An answer that reaches it in the
   * meantime waits in the queue no more, and is perhaps not in what it says: then it is asked again.
   */
  async ask<T>(ask: () => Promise<T>, show: (said: T) => void): Promise<void> {
    for (;;) {
      const before = this.nHeard;
      const said = await ask();
      if (before !== this.nHeard) continue;
      show(said);
      return;
    }
  }

  /** Hears of the fate of answers until the function that it gives is called. */
  listen(): () => void {
    return queue.listen((outcome) => this.hear(outcome));
  }

  label(id: string, name: string, score: number): void {
    this.give(id, name, { label: score });
    queue.push({ ...this.addressed(), act: { kind: "label", id, label: score } });
    announce(`${name}: ${scoreWords(score)}`);
  }

  skip(id: string, name: string): void {
    this.give(id, name, { skipped: true });
    queue.push({ ...this.addressed(), act: { kind: "skip", id } });
    announce(`${name}: skipped`);
  }

  /** Takes the last answer back, also one from before the page was loaded. */
  undo(): void {
    const asked = this.addressed();
    const last = this.trail.pop();
    if (last !== undefined) {
      this.shown.add(asked.request);
      this.put(last.id, last.before);
      this.tookBack.value = { id: last.id };
      announce(
        `${last.name}: taken back, ${last.before === undefined ? "open" : wordsOfAnswer(last.before)}`,
      );
    }
    queue.push({ ...asked, act: { kind: "undo" } });
  }

  /** Resolves when the server has every answer. */
  async saved(): Promise<void> {
    this.nAwaiting.value += 1;
    try {
      await queue.drained(this.seat, this.door);
    } finally {
      this.nAwaiting.value -= 1;
    }
  }

  labelOf(id: string): number | null {
    const answer = this.given.value.get(id);
    return answer !== undefined && "label" in answer ? answer.label : null;
  }

  private addressed() {
    return { seat: this.seat, door: this.door, request: uuid() };
  }

  private give(id: string, name: string, answer: Answer): void {
    this.trail.push({ id, name, before: this.given.value.get(id) });
    this.put(id, answer);
  }

  private put(id: string, answer: Answer | undefined): void {
    const given = new Map(this.given.value);
    if (answer === undefined) given.delete(id);
    else given.set(id, answer);
    this.given.value = given;
  }

  private hear({ op, refused, undone, judged }: Outcome): void {
    const { project, session } = op.seat;
    if (project !== this.seat.project || session !== this.seat.session || op.door !== this.door) return;
    this.nHeard += 1;
    if (op.act.kind === "undo") {
      const wasShown = this.shown.delete(op.request);
      if (judged !== undefined && !wasShown) this.restate(judged);
      this.hearUndo(undone);
    } else if (refused !== undefined) {
      this.put(op.act.id, undefined);
      note("error", `not recorded: ${refused.detail}`, refused.hint ?? undefined);
    }
  }

  private hearUndo(undone: Outcome["undone"]): void {
    if (undone === undefined) return;
    if (undone === null) {
      note("done", "there is nothing to undo");
      return;
    }
    const { id, label_now } = undone;
    const answer = answerOf(undone.answer) ?? { skipped: true };
    const waits = queue.pending(this.seat, this.door).some(({ act }) => act.kind !== "undo" && act.id === id);
    if (!waits) this.put(id, label_now == null ? undefined : { label: label_now });
    this.tookBack.value = { id };
    note("done", `took back ${"label" in answer ? scoreText(answer.label) : "the skip"} of ${id}`);
  }
}

const wordsOfAnswer = (answer: Answer): string => ("label" in answer ? scoreWords(answer.label) : "skipped");
