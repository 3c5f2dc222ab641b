// The way to the API: by HTTP from a page that the server has sent, by messages from cards in a notebook.

/** How requests reach the API. */
export interface Transport {
  /** Who answers, in a word. */
  readonly far: string;
  /** What to do when nobody does. */
  readonly remedy: string;
  /** Sends a request, as `fetch` does, to a path under `api/`; rejects when nothing was answered. */
  ask: (path: string, request: RequestInit) => Promise<Response>;
  /** Where an element finds what a path gives. */
  address: (path: string) => string | Promise<string>;
}

const http: Transport = {
  far: "server",
  remedy: "is “linprobe serve” still running? Labels are kept here until it is.",
  ask: (path, request) => fetch(`api/${path}`, request),
  address: (path) => `api/${path}`,
};

let chosen = http;

/** The way that is taken. */
export const transport = (): Transport => chosen;

/** Takes another way, before anything is asked. */
export function connect(other: Transport): void {
  chosen = other;
}

/** Who answers, in a word. */
export const far = (): string => chosen.far;
