/** The kinds of tasks that rules can tell apart, and who says which it is. */
import type { TaskType } from "../../journal/record.ts";

/** All but `count`: counts of tokens are not routed by rules. */
export const TASK_TYPES = [
  "main",
  "subagent",
  "title",
  "summary",
  "compaction",
  "workflow",
  "auxiliary",
  "other",
] as const satisfies readonly TaskType[];

/** `hint`: the client's own header; `heuristic`: read from the request's shape. */
export const TASK_SOURCES = ["hint", "heuristic"] as const;
export type TaskSource = (typeof TASK_SOURCES)[number];
