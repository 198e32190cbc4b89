/** What the main thread and the views' worker say to each other. */
import type { NanoUsd } from "../core/money.ts";
import type { Position } from "../journal/position.ts";
import type { RequestsAnswer, RequestsFilter } from "./requests.ts";
import type { RequestDetail } from "./rows.ts";
import type { ShadowQuery, ShadowReport } from "./shadow.ts";
import type { SessionSpent, SpentQuery } from "./spent.ts";
import type { UsageGroup, UsageQuery } from "./usage.ts";

/** Given to the worker at its start. */
export interface WorkerSetup {
  readonly file: string;
  readonly journalDirectory: string;
}

/** What can be asked of the worker: the question and the answer of each name. */
export interface Questions {
  readonly requests: { readonly ask: RequestsFilter; readonly answer: RequestsAnswer };
  readonly request: { readonly ask: string; readonly answer: RequestDetail | null };
  readonly usage: { readonly ask: UsageQuery; readonly answer: readonly UsageGroup[] };
  readonly shadow: { readonly ask: ShadowQuery; readonly answer: ShadowReport };
  readonly spentSince: { readonly ask: SpentQuery; readonly answer: NanoUsd };
  readonly spentBySession: { readonly ask: SpentQuery; readonly answer: readonly SessionSpent[] };
  readonly spenders: { readonly ask: null; readonly answer: readonly string[] };
  readonly prune: { readonly ask: { readonly beforeMs: number }; readonly answer: number };
  readonly rebuild: { readonly ask: { readonly untilSeq: number }; readonly answer: null };
  readonly close: { readonly ask: null; readonly answer: null };
}

export type QuestionName = keyof Questions;

/** A question with its name; a union, so that the name tells what is asked. */
export type Question = {
  [Name in QuestionName]: { readonly name: Name; readonly ask: Questions[Name]["ask"] };
}[QuestionName];

export type ToWorker =
  /** Lines up to here are written and may be read. */
  | { readonly kind: "advance"; readonly untilSeq: number }
  | { readonly kind: "question"; readonly id: number; readonly question: Question };

export type FromWorker =
  | { readonly kind: "applied"; readonly position: Position | null; readonly skipped: number }
  /** The views cannot advance; they try again when told to. */
  | { readonly kind: "stuck"; readonly message: string }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly message: string }
  | { readonly kind: "warning"; readonly message: string };
