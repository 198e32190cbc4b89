/** Who says which kind of task a request is. */
/** `hint`: the client's own header; `heuristic`: read from the request's shape. */
export const TASK_SOURCES = ["hint", "heuristic"] as const;
export type TaskSource = (typeof TASK_SOURCES)[number];
