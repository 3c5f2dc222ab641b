// Concepts of one dataset have a colour each, in the order in which they were made; beyond eight, colours come again.

import type { SessionSummary } from "./api/types.ts";

const N_COLOURS = 8;

/** The colour number of each session's concept, by its name. */
export function coloursOf(
  sessions: readonly Pick<SessionSummary, "name" | "created_ms">[],
): Map<string, number> {
  const order = [...sessions].sort((a, b) => a.created_ms - b.created_ms || a.name.localeCompare(b.name));
  return new Map(order.map(({ name }, idx) => [name, idx % N_COLOURS]));
}
