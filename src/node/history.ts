/** Answers what scopes have spent, from the views. */
import type { Views } from "../views/views.ts";
import type { SpendingHistory } from "./openings.ts";

/** The spending history of a node's own views. */
export function createHistory(views: Views): SpendingHistory {
  return {
    spent: (query) => views.spentSince(query),
    spenders: async (uptoSeq) => new Set(await views.spenders(uptoSeq)),
    sessions: (query) => views.spentBySession(query),
  };
}
