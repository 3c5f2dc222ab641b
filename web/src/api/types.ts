// The types of the wire, by the names that the page uses. All come from docs/openapi.json: `npm run types`.

import type { components } from "./openapi.ts";

type Wire = components["schemas"];

export type Advice = Wire["Advice"];
export type AnswersReply = Wire["AnswersDone"];
export type AuditReport = Wire["AuditReport"];
export type AuditState = Wire["AuditState"];
export type ClassifierEntry = Wire["Classifier"];
export type Comparison = Wire["Comparison"];
export type GivenAnswer = Wire["GivenAnswer"];
export type Hit = Wire["Hit"];
export type HistoryRound = Wire["PastRound"];
export type Insight = Wire["Insight"];
export type Interval = Wire["Interval"];
export type Job = Wire["Job"];
export type LinRecord = Wire["Record"];
export type NewAnswer = Wire["NewAnswer"];
export type NewJob = Wire["NewJob"];
export type Policy = Wire["PolicyName"];
export type Prediction = Wire["Prediction"];
export type Predictions = Wire["Predictions"];
export type Problem = Wire["Problem"];
export type Projects = Wire["Projects"];
export type RecordPage = Wire["Records"];
export type ProjectSummary = Wire["ProjectSummary"];
export type Round = Wire["Round"];
export type RoundReport = Wire["RoundReport"];
export type Session = Wire["Session"];
export type SessionSummary = Wire["SessionSummary"];
export type ShownRecord = Wire["ShownRecord"];
export type SkippedRecord = Wire["SkippedRecord"];
export type Snippets = Wire["Snippets"];
/** A start names only what it starts from. */
export type Start = Partial<Wire["Start"]>;
export type Threshold = Wire["ChosenThreshold"];
export type ThresholdRow = Wire["ThresholdRow"];
export type UndoReply = Wire["UndoDone"];
export type Upload = Wire["Upload"];

/** What was said of a record: a score, or nothing. */
export type Answer = { label: number } | { skipped: true };

/** Reads an answer off the wire; null where there is none. */
export function answerOf(given: GivenAnswer | null | undefined): Answer | null {
  if (given == null) return null;
  return given.label == null ? { skipped: true } : { label: given.label };
}
