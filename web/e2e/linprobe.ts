// The real binary: makes projects, serves them, and can be killed and started again at the same address.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { writePictures, writeTickets, writeVectors } from "./datasets.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const BINARY = process.env["LINPROBE_BIN"] ?? join(ROOT, "target/debug/linprobe");
/** A CLIP of a few kilobytes with random weights. */
const TINY_CLIP = join(ROOT, "fixtures/embed/clip-quick-gelu");

export const N_VECTORS = 10_000;
export const N_TICKETS = 160;

/** Runs a command of the binary to its end. */
export function linprobe(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(BINARY, args, { encoding: "utf8" });
  if (status !== 0 && status !== 3) throw new Error(`linprobe ${args.join(" ")} exited ${status}\n${stderr}`);
  return stdout;
}

/** A folder of projects: tickets, photos, vectors, handful (twelve tickets), empty, and one that is broken. */
export function makeWorkspace(): string {
  const folder = mkdtempSync(join(tmpdir(), "linprobe-e2e-"));
  const sources = join(folder, ".sources");
  mkdirSync(sources);
  writeTickets(join(sources, "tickets.csv"), N_TICKETS);
  writeTickets(join(sources, "handful.csv"), 12);
  writePictures(join(sources, "photos"), 60);
  writeVectors(join(sources, "vectors.npy"), N_VECTORS, 16);
  makeProject(folder, "tickets", join(sources, "tickets.csv"));
  makeProject(folder, "handful", join(sources, "handful.csv"));
  makeProject(folder, "photos", join(sources, "photos"), "--model", TINY_CLIP);
  makeProject(folder, "vectors", join(sources, "vectors.npy"));
  linprobe("init", join(folder, "empty"));
  linprobe("init", join(folder, "broken"));
  writeFileSync(join(folder, "broken", "project.db"), "this is no database, whatever its name says");
  return folder;
}

function makeProject(folder: string, name: string, source: string, ...init: string[]): void {
  const project = join(folder, name);
  linprobe("init", project, ...init);
  linprobe("index", source, "--project", project);
}

/** A copy of a folder, for a scene that kills its server. */
export function copyOf(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), "linprobe-e2e-"));
  cpSync(folder, copy, { recursive: true });
  return copy;
}

export const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** A running server. */
export class Server {
  private process: ChildProcess | null = null;
  url = "";

  private constructor(readonly args: string[]) {}

  /** Serves a folder, with whatever options. */
  static async start(folder: string, ...options: string[]): Promise<Server> {
    const server = new Server([folder, ...options]);
    await server.up("0");
    return server;
  }

  /** Ends the server as a power cut would. */
  async kill(): Promise<void> {
    const gone = new Promise((done) => this.process?.once("exit", done));
    this.process?.kill("SIGKILL");
    await gone;
  }

  /** Starts it again where it was. */
  async restart(): Promise<void> {
    await this.up(new URL(this.url).port);
  }

  private async up(port: string): Promise<void> {
    const child = spawn(BINARY, ["serve", ...this.args, "--port", port, "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    let talk = "";
    child.stderr.on("data", (text) => (talk += String(text)));
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as { url?: string };
      if (said.url === undefined) continue;
      this.url = said.url.replace(/\/$/, "");
      return;
    }
    throw new Error(`linprobe serve said no address\n${talk}`);
  }

  /** Asks the API past the page. */
  async ask<T>(path: string, json?: unknown): Promise<T> {
    const headers = { "content-type": "application/json", "x-linprobe": "1" };
    const response = await fetch(
      `${this.url}/api/${path}`,
      json === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(json) },
    );
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** The labels of a session, as they are exported: score by id. */
  async labels(project: string, session: string): Promise<Map<string, number>> {
    const response = await fetch(
      `${this.url}/api/projects/${project}/sessions/${session}/export-labels?format=jsonl`,
    );
    if (!response.ok) throw new Error(`export-labels: ${response.status}`);
    const rows = (await response.text())
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { id: string; label: number });
    // Labels are kept in single precision.
    return new Map(rows.map(({ id, label }) => [id, Math.round(label * 1000) / 1000]));
  }
}
