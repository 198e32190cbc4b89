/** The sentences of refusals for a session: what is wrong · what to do. */
import { refusal, type Refusal } from "../../core/refusal.ts";
import { isDefaultSession } from "../sessions.ts";
import type { Halt, SessionId } from "./halts.ts";

/** Beyond it a reason is cut in a sentence; the record has it whole. */
const REASON_CHARACTERS_MAX = 300;
const NAME_CHARACTERS_MAX = 40;

/** 402 for a session that was stopped or paused. */
export function haltedRefusal(id: SessionId, halt: Halt): Refusal {
  const { state, reason } = halt;
  const why = reason === null ? "" : `: ${withoutStop(reason)}`;
  const next =
    state === "stopped"
      ? "start a new session (/clear), or ask your platform team"
      : "your platform team resumes it; ask them, or start a new session (/clear)";
  return {
    ...refusal("session_stopped", `${sessionName(id)} was ${state}${why}; ${next}.`),
    by: `session/${id.session}`,
  };
}

/** "Session 3f0c…", "The default session of key ada". */
export function sessionName({ virtualKey, session }: SessionId): string {
  if (isDefaultSession(session)) return `The default session of key ${virtualKey}`;
  const isLong = session.length > NAME_CHARACTERS_MAX;
  return `Session ${isLong ? `${session.slice(0, NAME_CHARACTERS_MAX)}…` : session}`;
}

function withoutStop(reason: string): string {
  const isLong = reason.length > REASON_CHARACTERS_MAX;
  const cut = isLong ? `${reason.slice(0, REASON_CHARACTERS_MAX)}…` : reason;
  return cut.replace(/[.!;\s]+$/, "");
}
