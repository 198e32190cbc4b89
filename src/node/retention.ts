/** Ends what is older than the configuration keeps: idle sessions, old segments, old rows. */
import { formatTime } from "../core/time.ts";
import type { Log } from "../gateway/ports.ts";
import type { Position } from "../journal/position.ts";
import type { OpenNode } from "./open-node.ts";

const HOUR_MS = 3_600_000;
const SESSION_IDLE_MS = 30 * 24 * HOUR_MS;

export interface RetentionOptions {
  readonly retainMs: () => number;
  readonly nowMs: () => number;
  /** Of the last snapshot; null: there is none, so nothing may go. */
  readonly savedPosition: () => Position | null;
  readonly log: Log;
}

/** Looks once an hour. Segments go only when a snapshot and the views are past them. */
export function startRetention(
  node: OpenNode,
  options: RetentionOptions,
): { readonly stop: () => void } {
  const timer = setInterval(() => {
    closeIdleSessions(node, options.nowMs());
    void retire(node, options);
  }, HOUR_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function closeIdleSessions(node: OpenNode, nowMs: number): void {
  const closed = node.state.fold.ledger.closeIdleSessions(nowMs - SESSION_IDLE_MS);
  if (closed.length === 0) return;
  node.journal.outcome({ time: formatTime(nowMs), type: "session_closed", windows: closed });
}

async function retire(node: OpenNode, options: RetentionOptions): Promise<void> {
  const viewed = node.views.status().position;
  const saved = options.savedPosition();
  if (viewed === null || saved === null) return;
  const position = viewed.seq < saved.seq ? viewed : saved;
  try {
    const beforeMs = options.nowMs() - options.retainMs();
    const removed = await node.opened.retire(beforeMs, position);
    if (removed > 0) options.log.info("old journal segments were removed", { removed });
    await node.views.prune(beforeMs);
  } catch (error) {
    options.log.warn("retention failed; it is tried again in an hour", { error: String(error) });
  }
}
