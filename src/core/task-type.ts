/** The kinds of tasks that requests are told apart by. */

/** Of requests for answers: what rules and scopes can name. */
export const ANSWERED_TASKS = [
  "main",
  "subagent",
  "title",
  "summary",
  "compaction",
  "workflow",
  "auxiliary",
  "other",
] as const;

/** With those that only count tokens. */
export const TASK_TYPES = [...ANSWERED_TASKS, "count"] as const;
export type TaskType = (typeof TASK_TYPES)[number];
