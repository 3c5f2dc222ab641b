// Who answers: a number of this tab, so that two tabs of one session get different records, and a name if the user
// has given one.

import { signal } from "@preact/signals";

import { asString, keep, kept, local, ofTab } from "./storage.ts";

const TAB = "linprobe/tab";
const TABS = "linprobe/tabs";
const NAME = "linprobe/name";
/** How many numbers of closed tabs are remembered. */
const MOST_TABS = 20;

/** A UUID, version 4; `crypto.randomUUID` is missing where the page is not served over a secure address. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The name that the user goes by; empty if none. */
export const userName = signal(kept(local, NAME, asString) ?? "");

/** Changes the name of the user, in this browser. */
export function setUserName(name: string): void {
  userName.value = name.trim();
  keep(local, NAME, userName.value);
}

let tab = newTab();

/** How the server knows this tab. */
export function annotator(): string {
  return userName.value === "" ? `tab-${tab}` : `${userName.value}-${tab}`;
}

/**
 * Settles the number of this tab: its own after a reload, else that of a tab that was closed, and with it the round that
 * was left open there, else a new one. Whoever holds the lock of a number has it, so that a duplicated tab,
 * which starts with the storage of the first, takes another.
 */
export async function claimTab(): Promise<void> {
  // Missing where the page is not served over a secure address.
  const locks = navigator.locks as LockManager | undefined;
  const used = kept(local, TABS, asStrings) ?? [];
  const own = kept(ofTab, TAB, asString);
  if (locks === undefined) tab = own ?? tab;
  else tab = await firstFree(locks, [...(own === null ? [] : [own]), ...used, tab]);
  keep(ofTab, TAB, tab);
  keep(local, TABS, [tab, ...used.filter((other) => other !== tab)].slice(0, MOST_TABS));
}

async function firstFree(locks: LockManager, candidates: string[]): Promise<string> {
  for (const candidate of candidates) {
    if (await claim(locks, candidate)) return candidate;
  }
  return newTab();
}

/** Takes the lock of a number for as long as the page lives; false if another tab has it. */
function claim(locks: LockManager, number: string): Promise<boolean> {
  return new Promise((resolve) => {
    void locks.request(`linprobe/tab/${number}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => undefined);
    });
  });
}

function newTab(): string {
  return uuid().slice(0, 8);
}

function asStrings(value: unknown): string[] | null {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : null;
}
