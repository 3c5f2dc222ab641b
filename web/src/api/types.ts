// The types of the wire, as docs/openapi.json describes them.

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  hint?: string | null;
}

export interface Model {
  name: string;
  dimension: number;
  takes_text: boolean;
  takes_images: boolean;
}

export type Kind = "image" | "text" | "vector";

export interface ProjectSummary {
  slug: string;
  name: string;
  status: "ready" | "empty" | "broken";
  problem?: Problem | null;
  n_records: number;
  n_skipped: number;
  kind: Kind | null;
  model: Model | null;
  sessions: SessionSummary[];
  labels: { name: string; n_records: number }[];
}

export interface Projects {
  projects: ProjectSummary[];
  can_create: boolean;
  data_roots: string[];
}

export interface Job {
  id: string;
  source: string;
  state: "running" | "done" | "failed" | "cancelled";
  n_done: number;
  n_embedded: number;
  n_skipped: number;
  n_total: number | null;
  records_per_second: number;
  problem?: Problem | null;
}

export interface LinRecord {
  id: string;
  kind: Kind;
  text?: string | null;
  truncated?: boolean | null;
  width?: number | null;
  height?: number | null;
  label?: string | null;
  metadata: Record<string, string>;
  path?: string | null;
}

export interface Start {
  phrases?: string[];
  not_phrases?: string[];
  records?: string[];
  not_records?: string[];
  uploads?: string[];
  vector?: number[];
  classifier?: string;
}

export interface SessionSummary {
  name: string;
  description: string;
  n_labels: number;
  n_positive: number;
  round: number;
  created_ms: number;
  changed_ms: number;
}

export interface Session extends SessionSummary {
  version: number;
  method: string;
  strategy: string;
  n_seen: number;
  n_unseen: number;
  start: { description: string };
  round_open: Round | null;
  annotators: string[];
  concept_colour: number;
  can_undo: boolean;
}

export interface Round {
  number: number;
  records: ShownRecord[];
}

export type Answer = { label: number } | { skipped: boolean };

export type Reason = "top" | "explore" | "ladder" | "boundary" | "anchor" | "random";

export interface ShownRecord {
  record: LinRecord;
  score: number;
  probability: number;
  reason: Reason;
  reason_words: string;
  odds: number;
  answer: Answer | null;
  near_duplicates?: string[] | null;
}

export interface GivenAnswer {
  request: string;
  id: string;
  label?: number;
  skip?: boolean;
}

export interface AnswersReply {
  version: number;
  answers: {
    request: string;
    id: string;
    status: "recorded" | "repeated" | "refused";
    problem?: Problem | null;
  }[];
  n_labels: number;
  n_positive: number;
}

export interface UndoReply {
  undone: { id: string; answer: Answer; label_now: number | null } | null;
  version: number;
}

export interface Interval {
  low: number;
  estimate: number;
  high: number;
}

export interface ThresholdRow {
  score: number;
  n_above: number;
  precision: number;
  recall: number;
}

export interface RoundReport {
  round: number;
  n_labels: number;
  n_positive: number;
  n_positive_total: number;
  angle_degrees: number;
  n_above: number | null;
  mean_probability: number;
}

export interface Insight {
  version: number;
  n_points: number;
  estimated: boolean;
  histogram: { low: number; high: number; counts: number[] };
  threshold: number;
  n_above: number;
  precision: Interval | null;
  recall: Interval | null;
  f1: Interval | null;
  basis: "expected" | "audited";
  thresholds: ThresholdRow[];
  n_positive_found: number;
  n_labels: number;
  n_expected_left: Interval;
  rounds: RoundReport[];
  trajectory: { round: number; x: number; y: number }[];
  landmarks: { id: string; x: number; y: number; label: number }[];
  advice: { verdict: "keep-going" | "audit-now" | "could-stop"; reasons: string[] };
  doubtful: { record: LinRecord; label: number; score_without: number; reason: string }[];
  fit_ms: number;
}

export interface HistoryRound extends RoundReport {
  records: ShownRecord[];
}

export interface Side {
  name: string;
  round: number | null;
}

export interface Comparison {
  a: Side;
  b: Side;
  agreement: { both: number; only_a: number; only_b: number };
  cosine: number;
  moved: {
    record: LinRecord;
    rank_a: number | null;
    rank_b: number | null;
    score_a: number;
    score_b: number;
  }[];
}

export interface Prediction {
  rank: number;
  score: number;
  probability: number;
  record: LinRecord;
  label: number | null;
  seen: boolean;
  n_folded: number;
  folded: string[];
}

export interface Predictions {
  total: number;
  predictions: Prediction[];
  version: number;
}

export type Policy = "f1" | "precision" | "recall" | "count" | "score";

export interface Threshold {
  score: number;
  n_above: number;
  precision: Interval;
  recall: Interval;
  f1: Interval;
  basis: "expected" | "audited";
}

export interface AuditReport {
  threshold: number;
  n_points: number;
  n_above: number;
  precision: Interval;
  recall: Interval;
  f1: Interval;
  n_relevant: Interval;
  n_judged: number;
  n_known: number;
  basis: string;
  estimated: boolean;
}

export interface AuditState {
  open: boolean;
  n_total: number;
  n_answered: number;
  records: { record: LinRecord; answer: Answer | null }[];
  report: AuditReport | null;
}

export interface ClassifierEntry {
  name: string;
  source: "session" | "imported";
  model: string | null;
  threshold: number;
}

export interface Snippets {
  python: string;
  rust: string;
  sql: string;
}

export interface Hit {
  score: number;
  record: LinRecord;
}
