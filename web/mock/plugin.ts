// Plays the server while the page is developed: `npm run dev` without LINPROBE_URL. Never part of a build.

import type { IncomingMessage, ServerResponse } from "node:http";

import type { Plugin } from "vite";

import { World } from "./world.ts";

const WORLDS = new Map([new World("packages", "text", 10_000), new World("photos", "image", 10_000), new World("vectors", "vector", 2000)].map((world) => [world.slug, world]));

export function mock(): Plugin {
  return {
    name: "linprobe-mock",
    apply: "serve",
    configureServer(server) {
      server.middlewares.use("/api", (request, response) => {
        void answer(request, response).catch((error: unknown) => problem(response, 500, String(error)));
      });
    },
  };
}

interface Given {
  answers?: { request: string; id: string; label?: number; skip?: boolean }[];
  k?: number;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://mock");
  const [root, slug = "", kind, name, ...rest] = url.pathname.split("/").filter((part) => part !== "").map(decodeURIComponent);
  if (root === "projects" && slug === "") return json(response, { projects: projects(), can_create: true, data_roots: [] });
  const world = WORLDS.get(slug);
  if (world === undefined) return problem(response, 404, `there is no project ${slug}`);
  if (kind === undefined) return json(response, world.summary());
  if (kind === "jobs") return json(response, { jobs: [] });
  if (kind === "classifiers") return json(response, { classifiers: [{ name: "astronomy", source: "session", model: "builtin", threshold: 0 }] });
  if (kind === "records" && name === undefined) return json(response, { records: world.stored.slice(0, 12).map(({ record }) => record), next: "x" });
  if (kind === "records") return picture(response, name ?? "");
  if (kind === "search") return json(response, { hits: world.stored.slice(0, 12) });
  if (kind === "compare") {
    const moved = world.stored.slice(0, 20).map(({ record, score }, idx) => ({ record, rank_a: idx % 4 === 0 ? null : idx + 1, rank_b: 20 - idx, score_a: score, score_b: score / 2 }));
    return json(response, { a: { name: "a", round: 1 }, b: { name: "b", round: null }, agreement: { both: 61, only_a: 39, only_b: 39 }, cosine: 0.83, moved });
  }
  if (kind === "sessions") return session(world, { verb: rest[0], url, given: (await body(request)) as Given, audit: rest[1] }, response);
  return problem(response, 404, "not in the mock");
}

interface SessionCall {
  verb: string | undefined;
  audit: string | undefined;
  url: URL;
  given: Given;
}

function session(world: World, { verb, url, given }: SessionCall, response: ServerResponse): void {
  const [n_labels, n_positive] = world.counts();
  switch (verb) {
    case undefined: {
      const [summary] = world.summary().sessions;
      const round = world.open.some((id) => !world.answers.has(id)) ? { number: world.round, records: world.open.map((id) => world.shown(id)) } : null;
      return json(response, { ...summary, version: 1, method: "map-logistic", strategy: "auto", n_seen: 0, n_unseen: 1, start: { description: "" }, round_open: round, annotators: [], concept_colour: 0, can_undo: true });
    }
    case "rounds":
      world.next(given.k ?? 10);
      return json(response, { round: { number: world.round, records: world.open.map((id) => world.shown(id)) }, insight: world.insight() });
    case "answers":
      for (const { id, label } of given.answers ?? []) {
        world.answers.set(id, label ?? "skip");
        world.order.push(id);
      }
      return json(response, { version: 1, answers: (given.answers ?? []).map(({ request, id }) => ({ request, id, status: "recorded" })), n_labels, n_positive });
    case "undo": {
      const id = world.order.pop();
      if (id === undefined) return json(response, { undone: null, version: 1 });
      world.answers.delete(id);
      return json(response, { undone: { id, answer: { label: 1 }, label_now: null }, version: 1 });
    }
    case "fit":
    case "insight":
      return json(response, world.insight());
    case "history":
      return json(response, { rounds: world.insight().rounds.map((round) => ({ ...round, records: world.open.map((id) => world.shown(id)) })) });
    case "predictions": {
      const offset = Number(url.searchParams.get("offset"));
      return json(response, { total: world.stored.length, predictions: world.predictions(offset, 100), version: 1 });
    }
    case "snippets":
      return json(response, { python: "from safetensors.numpy import load_file\nhead = load_file(\"astronomy.safetensors\")\nscores = embeddings @ head[\"weight\"].T + head[\"bias\"]\n", rust: "let head = SafeTensors::deserialize(&bytes)?;", sql: "SELECT id FROM records ORDER BY embedding <#> '[…]' LIMIT 100;" });
    case "audit": {
      const interval = (low: number, estimate: number, high: number) => ({ low, estimate, high });
      return json(response, { open: false, n_total: 100, n_answered: 100, records: [], report: { threshold: 0, n_points: 10_000, n_above: 210, precision: interval(0.81, 0.88, 0.93), recall: interval(0.52, 0.71, 0.9), f1: interval(0.64, 0.78, 0.88), n_relevant: interval(180, 240, 420), n_judged: 100, n_known: 60, basis: "audited", estimated: false } });
    }
    default:
      return problem(response, 404, `${verb} is not in the mock`);
  }
}

function projects(): unknown[] {
  const broken = { slug: "old", name: "old", status: "broken", problem: { type: "broken-project", title: "broken project", status: 500, detail: "project.db is of a newer version", hint: "update linprobe" }, n_records: 0, n_skipped: 0, kind: null, model: null, sessions: [], labels: [] };
  const empty = { ...broken, slug: "new", name: "new", status: "empty", problem: null };
  return [...[...WORLDS.values()].map((world) => world.summary()), empty, broken];
}

function picture(response: ServerResponse, id: string): void {
  const n = Number(id.split("/").at(-1));
  const [width, height] = n % 3 === 0 ? [640, 420] : n % 3 === 1 ? [420, 640] : [500, 500];
  response.setHeader("content-type", "image/svg+xml");
  response.end(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="hsl(${(n * 47) % 360} 45% 60%)"/><circle cx="50%" cy="55%" r="${60 + (n % 90)}" fill="hsl(${(n * 91) % 360} 60% 40%)"/></svg>`);
}

async function body(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? {} : JSON.parse(text);
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}

function problem(response: ServerResponse, status: number, detail: string): void {
  response.statusCode = status;
  json(response, { type: "mock", title: "mock", status, detail });
}
