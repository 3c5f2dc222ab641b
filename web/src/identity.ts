// Who answers: a number of this tab, so that two tabs of one session get different records, and a name if the user
// has given one.

import { signal } from "@preact/signals";

import { asString, keep, kept } from "./storage.ts";

const TAB = "linprobe/tab";
const NAME = "linprobe/name";

/** A UUID, version 4; `crypto.randomUUID` is missing where the page is not served over a secure address. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The name that the user goes by; empty if none. */
export const userName = signal(kept(localStorage, NAME, asString) ?? "");

/** Changes the name of the user, in this browser. */
export function setUserName(name: string): void {
  userName.value = name.trim();
  keep(localStorage, NAME, userName.value);
}

let tab = kept(sessionStorage, TAB, asString) ?? newTab();

/** How the server knows this tab. */
export function annotator(): string {
  return userName.value === "" ? `tab-${tab}` : `${userName.value}-${tab}`;
}

/** A duplicated tab starts with the storage of the first: whoever holds the lock keeps the number. */
export async function claimTab(): Promise<void> {
  // Missing where the page is not served over a secure address.
  const locks = navigator.locks as LockManager | undefined;
  if (locks === undefined) return;
  await new Promise<void>((resolve) => {
    void locks.request(`linprobe/tab/${tab}`, { ifAvailable: true }, (lock) => {
      if (lock === null) tab = newTab();
      resolve();
      return lock === null ? undefined : new Promise(() => undefined);
    });
  });
}

function newTab(): string {
  const made = uuid().slice(0, 8);
  keep(sessionStorage, TAB, made);
  return made;
}
