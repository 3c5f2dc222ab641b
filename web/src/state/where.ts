// Where the page is, by its address.

import { signal } from "@preact/signals";

import { parseRoute } from "../route.ts";

export const route = signal(parseRoute(location.hash));
addEventListener("hashchange", () => (route.value = parseRoute(location.hash)));

/** Goes to an address of `href`. */
export function goTo(address: string): void {
  location.hash = address;
}
