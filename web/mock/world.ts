// A dataset that nobody has to index: texts and pictures made from numbers, and a model that knows the answer but for noise.

import type { Insight, Kind, LinRecord, Prediction, ProjectSummary, ShownRecord } from "../src/api/types.ts";

const TOPICS = ["astronomy", "cooking", "golden_retriever", "snow_plough", "graphics", "databases", "music", "gardening"];
const WORDS = "a small library for reading and writing of the files that hold pictures sounds and measurements which people make every day and keep for later use on machines".split(" ");

export interface Stored {
  record: LinRecord;
  score: number;
}

export class World {
  readonly stored: Stored[];
  readonly answers = new Map<string, number | "skip">();
  readonly order: string[] = [];
  readonly requests = new Set<string>();
  round = 0;
  open: string[] = [];

  constructor(readonly slug: string, readonly kind: Kind, n: number) {
    this.stored = Array.from({ length: n }, (_, idx) => made(kind, idx)).sort((a, b) => b.score - a.score);
  }

  summary(): ProjectSummary {
    const labels = TOPICS.map((name) => ({ name, n_records: 100 }));
    const [n_labels, n_positive] = this.counts();
    const session = { name: "astronomy", description: "software for astronomy", n_labels, n_positive, round: this.round, created_ms: 1, changed_ms: Date.now() - 60_000 };
    return {
      slug: this.slug, name: this.slug, status: "ready", n_records: this.stored.length, n_skipped: 0, kind: this.kind,
      model: { name: "builtin/minilm-static-256", dimension: 256, takes_text: this.kind !== "vector", takes_images: this.kind === "image" },
      sessions: [session, { ...session, name: "dogs in the snow", n_positive: 12, created_ms: 2 }], labels,
    };
  }

  counts(): [labels: number, positives: number] {
    const labels = [...this.answers.values()].filter((answer) => answer !== "skip");
    return [labels.length, labels.filter((label) => label > 0).length];
  }

  shown(id: string): ShownRecord {
    const found = this.stored.find(({ record }) => record.id === id);
    if (found === undefined) throw new Error(`no record ${id}`);
    const answer = this.answers.get(id);
    return {
      record: found.record, score: found.score, probability: 1 / (1 + Math.exp(-found.score)), reason: "top",
      reason_words: "among the highest scores", odds: 1,
      answer: answer === undefined ? null : answer === "skip" ? { skipped: true } : { label: answer },
      near_duplicates: found.score > 3 ? ["other"] : [],
    };
  }

  next(k: number): void {
    if (this.open.some((id) => !this.answers.has(id))) return;
    this.round += 1;
    this.open = this.stored.filter(({ record }) => !this.answers.has(record.id)).slice(0, k).map(({ record }) => record.id);
  }

  insight(): Insight {
    const scores = this.stored.map(({ score }) => score);
    const [low, high] = [Math.min(...scores), Math.max(...scores)];
    const counts = Array.from({ length: 60 }, () => 0);
    for (const score of scores) {
      const bin = Math.min(59, Math.floor(((score - low) / (high - low)) * 60));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    const [n_labels, n_positive] = this.counts();
    const sure = (score: number) => 1 / (1 + Math.exp(-score));
    const total = scores.reduce((sum, score) => sum + sure(score), 0);
    const thresholds = Array.from({ length: 60 }, (_, idx) => {
      const score = low + ((high - low) * idx) / 59;
      const above = scores.filter((value) => value >= score);
      const right = above.reduce((sum, value) => sum + sure(value), 0);
      return { score, n_above: above.length, precision: above.length === 0 ? 1 : right / above.length, recall: right / total };
    });
    const rounds = Array.from({ length: this.round }, (_, idx) => ({
      round: idx + 1, n_labels: 10, n_positive: Math.min(10, idx + 2), n_positive_total: (idx + 1) * 3 + idx * idx, angle_degrees: 20 / (idx + 1), n_above: 80 + idx, mean_probability: 0.4,
    }));
    const point = (n: number) => ({ low: n, estimate: n, high: n });
    return {
      version: this.answers.size, n_points: scores.length, estimated: false, histogram: { low, high, counts }, threshold: 0, n_above: scores.filter((score) => score >= 0).length,
      precision: point(0.8), recall: point(0.7), f1: point(0.74), basis: "expected", thresholds, n_positive_found: n_positive, n_labels,
      n_expected_left: { low: 60, estimate: 120, high: 310 }, rounds,
      trajectory: Array.from({ length: this.round + 2 }, (_, idx) => ({ round: idx, x: Math.cos(idx) * (idx + 1), y: Math.sin(idx * 1.3) * (idx + 1) })),
      landmarks: [...this.answers].flatMap(([id, label], idx) => (label === "skip" ? [] : [{ id, label, x: Math.sin(idx * 7) * 4, y: Math.cos(idx * 5) * 4 }])),
      advice: { verdict: "keep-going", reasons: ["7 of the last 10 were relevant", "28 of 1,349 decisions flipped"] },
      doubtful: [...this.answers].filter(([, label]) => label === -1).slice(0, 1).map(([id]) => ({ record: this.shown(id).record, label: -1, score_without: 2.1, reason: "without it the classifier says +2.10" })),
      fit_ms: 4.2,
    };
  }

  predictions(offset: number, limit: number): Prediction[] {
    return this.stored.slice(offset, offset + limit).map(({ record, score }, idx) => {
      const answer = this.answers.get(record.id);
      return {
        rank: offset + idx + 1, score, probability: 1 / (1 + Math.exp(-score)), record, label: typeof answer === "number" ? answer : null,
        seen: answer !== undefined, n_folded: idx % 17 === 3 ? 2 : 0, folded: [],
      };
    });
  }
}

function made(kind: Kind, idx: number): Stored {
  const noise = Math.sin(idx * 12.9898) * 43758.5453;
  const u = noise - Math.floor(noise);
  const score = idx % 50 === 0 ? 1 + 3 * u : -7 + 5 * (u + Math.abs(Math.sin(idx))) / 2;
  const topic = TOPICS[idx % TOPICS.length] ?? "";
  const n = 8 + (idx % 11 === 0 ? 130 : (idx * 7) % 40);
  const words = Array.from({ length: n }, (_, at) => WORDS[(idx * 13 + at * 7) % WORDS.length]).join(" ");
  const [width, height] = idx % 3 === 0 ? [640, 420] : idx % 3 === 1 ? [420, 640] : [500, 500];
  const base = { id: `${topic}/${idx}`, kind, label: topic, metadata: { section: topic, size: String(idx * 31) } };
  if (kind === "image") return { score, record: { ...base, width, height } };
  return { score, record: kind === "text" ? { ...base, text: `${topic.replace("_", " ")} tool ${idx}\n${words}.` } : base };
}
