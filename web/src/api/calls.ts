// The routes of the API, one function each.

import { uuid } from "../identity.ts";
import { call } from "./client.ts";
import type {
  AnswersReply,
  AuditState,
  ClassifierEntry,
  Comparison,
  NewAnswer,
  NewJob,
  SkippedRecord,
  Upload,
  Hit,
  HistoryRound,
  Insight,
  Job,
  LinRecord,
  Policy,
  Predictions,
  Projects,
  RecordPage,
  ProjectSummary,
  Round,
  Session,
  Snippets,
  Start,
  Threshold,
  UndoReply,
} from "./types.ts";

type Query = Record<string, string | number | boolean | undefined>;

/** `?a=1&b=2` of what is defined, or nothing. */
export function query(parameters: Query): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

const encode = encodeURIComponent;

/** Who answers in which session. */
export interface Seat {
  project: string;
  session: string;
  annotator: string;
}

const at = (project: string) => `projects/${encode(project)}`;
const seatAt = (seat: Pick<Seat, "project" | "session">) =>
  `${at(seat.project)}/sessions/${encode(seat.session)}`;

export const projects = (signal?: AbortSignal) => call<Projects>("projects", { signal });
export const project = (slug: string, signal?: AbortSignal) => call<ProjectSummary>(at(slug), { signal });
export const createProject = (name: string) => call<ProjectSummary>("projects", { json: { name } });
export const skipped = (slug: string) => call<{ skipped: SkippedRecord[] }>(`${at(slug)}/skipped`);
export const login = (token: string) => call<null>("login", { json: { token } });

export const startJob = (slug: string, request: NewJob) => call<Job>(`${at(slug)}/jobs`, { json: request });
export const jobs = (slug: string, signal?: AbortSignal) =>
  call<{ jobs: Job[] }>(`${at(slug)}/jobs`, { signal });
export const cancelJob = (slug: string, job: string) =>
  call<Job>(`${at(slug)}/jobs/${encode(job)}/cancel`, { json: {} });
export const jobEvents = (slug: string, job: string) => `api/${at(slug)}/jobs/${encode(job)}/events`;

export const records = (slug: string, parameters: { after?: string; limit?: number }, signal?: AbortSignal) =>
  call<RecordPage>(`${at(slug)}/records${query(parameters)}`, { signal });
export const record = (slug: string, id: string, signal?: AbortSignal) =>
  call<LinRecord>(`${at(slug)}/records/${encode(id)}`, { signal });
export const contentPath = (slug: string, id: string) => `${at(slug)}/records/${encode(id)}/content`;
export const thumbnailPath = (slug: string, id: string, size: 128 | 256 | 512) =>
  `${at(slug)}/records/${encode(id)}/thumbnail?size=${size}`;
export const search = (slug: string, start: Start, k: number, signal?: AbortSignal) =>
  call<{ hits: Hit[] }>(`${at(slug)}/search`, { json: { start, k }, signal });
export const upload = (slug: string, file: Blob) => call<Upload>(`${at(slug)}/uploads`, { file });

export const createSession = (slug: string, request: { name?: string; start: Start }) =>
  call<Session>(`${at(slug)}/sessions`, { json: request });
export const session = (seat: Seat, signal?: AbortSignal) =>
  call<Session>(`${seatAt(seat)}${query({ annotator: seat.annotator })}`, { signal });
export const nextRound = (seat: Seat, k: number) =>
  call<{ round: Round; insight: Insight }>(`${seatAt(seat)}/rounds`, {
    json: { annotator: seat.annotator, k },
  });
export const answer = (seat: Seat, answers: NewAnswer[]) =>
  call<AnswersReply>(`${seatAt(seat)}/answers`, { json: { annotator: seat.annotator, answers } });
export const undo = (seat: Seat, request: string) =>
  call<UndoReply>(`${seatAt(seat)}/undo`, { json: { annotator: seat.annotator, request } });
export const resetSeen = (seat: Seat) =>
  call<Session>(`${seatAt(seat)}/reset-seen`, { json: { request: uuid() } });
export const fit = (seat: Seat) => call<Insight>(`${seatAt(seat)}/fit`, { json: {} });
export const insight = (seat: Seat, signal?: AbortSignal) =>
  call<Insight>(`${seatAt(seat)}/insight`, { signal });
export const history = (seat: Seat, signal?: AbortSignal) =>
  call<{ rounds: HistoryRound[] }>(`${seatAt(seat)}/history`, { signal });
export const branch = (seat: Seat, round: number, name?: string) =>
  call<Session>(`${seatAt(seat)}/branch`, { json: { round, name } });
export const compare = (slug: string, sides: { a: string; b: string; k?: number }, signal?: AbortSignal) =>
  call<Comparison>(`${at(slug)}/compare${query(sides)}`, { signal });

export interface Page {
  offset: number;
  limit: number;
  order: "desc" | "asc" | "boundary";
  fold_duplicates: boolean;
}
export const predictions = (seat: Seat, page: Page, signal?: AbortSignal) =>
  call<Predictions>(`${seatAt(seat)}/predictions${query({ ...page })}`, { signal });
export const threshold = (seat: Seat, policy: Policy, value?: number, signal?: AbortSignal) =>
  call<Threshold>(`${seatAt(seat)}/threshold`, { json: { policy, value }, signal });
export const snippets = (seat: Seat, file: { format: string; threshold: number }, signal?: AbortSignal) =>
  call<Snippets>(`${seatAt(seat)}/snippets${query(file)}`, { signal });
export const exportUrl = (
  seat: Seat,
  what: "export" | "export-predictions" | "export-labels",
  parameters: Query,
) => `api/${seatAt(seat)}/${what}${query(parameters)}`;

export interface AuditRequest {
  budget: number;
  policy: Policy;
  value?: number;
}
export const audit = (seat: Seat, signal?: AbortSignal) =>
  call<AuditState>(`${seatAt(seat)}/audit`, { signal });
export const startAudit = (seat: Seat, request: AuditRequest) =>
  call<AuditState>(`${seatAt(seat)}/audit`, { json: request });
export const answerAudit = (seat: Seat, answers: NewAnswer[]) =>
  call<AuditState>(`${seatAt(seat)}/audit/answers`, { json: { answers } });
export const undoAudit = (seat: Seat, request: string) =>
  call<AuditState>(`${seatAt(seat)}/audit/undo`, { json: { request } });
export const learnAudit = (seat: Seat) => call<Session>(`${seatAt(seat)}/audit/learn`, { json: {} });

export const classifiers = (slug: string, signal?: AbortSignal) =>
  call<{ classifiers: ClassifierEntry[] }>(`${at(slug)}/classifiers`, { signal });
export const importClassifier = (slug: string, asked: { name: string; class?: string }, file: Blob) =>
  call<ClassifierEntry>(`${at(slug)}/classifiers${query(asked)}`, { file });
