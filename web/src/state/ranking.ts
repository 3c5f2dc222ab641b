// The ranked list of a session, page by page: what is in the window is asked for, the rest is not.

import { computed, signal } from "@preact/signals";

import { predictions } from "../api/calls.ts";
import type { Seat } from "../api/calls.ts";
import { isAbort } from "../api/client.ts";
import type { Prediction } from "../api/types.ts";
import { pageOf, pagesOf, startsOf } from "../virtual.ts";
import type { Window } from "../virtual.ts";

export type Order = "desc" | "asc" | "boundary";
const PAGE = 100;

export class Ranking {
  /** How many records there are. */
  readonly total = signal<number | null>(null);
  /** Grows with every page that comes, so that what is drawn from pages is drawn again. */
  readonly pages = signal<ReadonlyMap<number, Prediction[]>>(new Map());
  readonly error = signal<unknown>(null);
  private readonly starts = computed(() =>
    startsOf(this.total.value ?? 0, PAGE, (page) => this.pages.value.get(page)?.length),
  );
  /** How many items the list has: records that are alike share one, once their page is here. */
  readonly nItems = computed(() => this.starts.value.at(-1) ?? 0);
  private readonly asked = new Set<number>();
  private control = new AbortController();

  constructor(
    private readonly seat: Seat,
    readonly order: Order,
    readonly fold: boolean,
  ) {}

  at(idx: number): Prediction | undefined {
    const page = pageOf(idx, this.starts.value);
    return this.pages.value.get(page)?.[idx - (this.starts.value[page] ?? 0)];
  }

  /** Asks for pages that are not here. */
  want(pages: number[]): void {
    for (const page of pages) {
      if (!this.asked.has(page)) void this.ask(page);
    }
  }

  /** Asks for whatever of some items is not here. */
  see(items: Window): void {
    this.want(pagesOf(items, this.starts.peek()));
  }

  /** Forgets every page: the scores have changed. */
  renew(): void {
    this.close();
    this.control = new AbortController();
    this.asked.clear();
    this.error.value = null;
    this.pages.value = new Map();
    this.want([0]);
  }

  close(): void {
    this.control.abort();
  }

  private async ask(page: number): Promise<void> {
    const { order, fold, control } = this;
    this.asked.add(page);
    try {
      const request = { offset: page * PAGE, limit: PAGE, order, fold_duplicates: fold };
      const { total, predictions: rows } = await predictions(this.seat, request, control.signal);
      if (control.signal.aborted) return;
      this.total.value = total;
      this.pages.value = new Map(this.pages.value).set(page, rows);
    } catch (error) {
      if (isAbort(error)) return;
      this.asked.delete(page);
      this.error.value = error;
    }
  }
}
