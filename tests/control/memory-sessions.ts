/** The control API's sessions over a real book in which nothing was counted, for tests of the API alone. */
import type { Config } from "../../src/config/config.ts";
import type { ControlPorts, SessionOrder } from "../../src/control/ports.ts";
import { formatTime } from "../../src/core/time.ts";
import type { SessionAction } from "../../src/journal/record.ts";
import { createSessionViews } from "../../src/node/session-views.ts";
import { SessionBook } from "../../src/policy/sessions/book.ts";

/** A real book, in which nothing was counted yet. */
export function sessionsOf(world: {
  readonly config: Config;
  readonly changes: string[];
}): ControlPorts["sessions"] {
  const book = new SessionBook();
  const nowMs = (): number => Date.parse("2026-11-03T10:00:00Z");
  const order = (action: SessionAction) => async (asked: SessionOrder) => {
    const { virtualKey, session, reason, actor } = asked;
    const time = formatTime(nowMs());
    world.changes.push(`${action} ${virtualKey}/${session} by ${actor}`);
    book.halts.apply(book.halts.change({ virtualKey, session }, { action, reason, actor, time }));
  };
  const control = { stop: order("stop"), pause: order("pause"), resume: order("resume") };
  return createSessionViews({ book, control, config: () => world.config, nowMs });
}
