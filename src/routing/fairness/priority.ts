/** Which of a team's waiting requests go first: those that a person waits for, then the rest. */
import { PRIORITIES, type Priority } from "../../config/fairness-config.ts";
import type { TaskType } from "../../journal/record.ts";

/** Tasks beside the conversation: nobody sits before them. A conversation waits for its subagents. */
const BACKGROUND: ReadonlySet<TaskType> = new Set(["title", "summary", "auxiliary", "workflow"]);

/**
 * The rank of a request, 0 being the most urgent: its scope's priority, and for tasks beside the
 * conversation `background` at best.
 *
 * @param configured Of the innermost scope that says one; null: none does.
 */
export function rankOf(configured: Priority | null, task: TaskType): number {
  const most = PRIORITIES.indexOf(configured ?? "interactive");
  return BACKGROUND.has(task) ? Math.max(most, PRIORITIES.indexOf("background")) : most;
}
