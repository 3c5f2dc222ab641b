// Numbers as people read them. The minus is a minus, and thousands stand apart.

import type { Insight, Interval } from "./api/types.ts";

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (value: number): string => COUNT.format(value).replace("-", "−");

/** `1 record`, `2 records`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A classifier's score: two digits, with a sign. */
export function logit(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}

/** A share of one, as a percentage that tells 0 from nearly 0 and 1 from nearly 1. */
export function percent(share: number): string {
  if (share > 0 && share < 0.005) return "<1 %";
  if (share < 1 && share > 0.995) return ">99 %";
  return `${Math.round(share * 100)} %`;
}

/** `84 %`, or `84 % (79 to 90)` where the ends differ. */
export function share({ low, estimate, high }: Interval): string {
  if (low === high) return percent(estimate);
  return `${percent(estimate)} (${Math.round(low * 100)} to ${Math.round(high * 100)})`;
}

/** `about 120`, or `120 (80 to 210)` where the ends differ. */
export function amount({ low, estimate, high }: Interval): string {
  if (low === high) return `about ${count(estimate)}`;
  return `${count(estimate)} (${count(low)} to ${count(high)})`;
}

/** What a fit has come to, in a sentence. */
export const fitWords = ({
  n_positive_found,
  n_expected_left,
}: Pick<Insight, "n_positive_found" | "n_expected_left">): string =>
  `${plural(n_positive_found, "positive")} found, ${amount(n_expected_left)} expected to be left.`;

const STEPS: [limit: number, seconds: number, unit: string][] = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86_400, 3600, "hour"],
  [Infinity, 86_400, "day"],
];

/** `just now`, `5 minutes ago`. */
export function ago(then_ms: number, now_ms: number): string {
  const seconds = Math.max(0, (now_ms - then_ms) / 1000);
  if (seconds < 10) return "just now";
  const [, size, unit] = STEPS.find(([limit]) => seconds < limit) ?? [0, 1, "second"];
  return `${plural(Math.floor(seconds / size), unit)} ago`;
}

/** A model's name; of one in a folder, the folder's. */
export function modelName(name: string): string {
  return name.startsWith("/") ? (name.split("/").findLast((part) => part !== "") ?? name) : name;
}

/** What a record is called where there is room for one line. */
export function titleOf(record: { id: string; text?: string | null }): string {
  const line = record.text?.trimStart().split("\n", 1)[0]?.trim();
  if (line === undefined || line === "") return record.id;
  return line.length > 80 ? `${line.slice(0, 79).trimEnd()}…` : line;
}

/** What follows a title in its text; all of it where the text does not begin with its title. */
export function restOf(text: string, title: string): string {
  if (text.startsWith(title)) return text.slice(title.length).trim();
  const begun = title.replace(/…$/, "");
  return text.startsWith(begun) ? `…${text.slice(begun.length).trimEnd()}` : text;
}
