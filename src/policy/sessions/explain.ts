/** The sentences of refusals for a session: what is wrong · what to do. */
import { refusal, type Refusal } from "../../core/refusal.ts";
import { durationText } from "../../core/span.ts";
import { isDefaultSession } from "../sessions.ts";
import type { CapReached } from "./caps.ts";
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

/** 402 for a request that does not fit under a cap on its session or subagent. */
export function limitedRefusal(id: SessionId, agent: string | null, reached: CapReached): Refusal {
  const { rule, of, cap } = reached;
  const { type, id: scope } = rule.scope;
  const who = of === "session" ? sessionName(id) : `Subagent ${shortened(agent ?? "")}`;
  const whose = `${SCOPES[type] ?? type} ${scope}`;
  const next = NEXT[of === "subagent" ? "subagent" : cap] ?? NEXT["session"];
  const sentence = `${who} ${toldOf(reached)} that ${whose} allows a ${of}; ${next}.`;
  return { ...refusal("session_limited", sentence), by: `${type}/${scope}` };
}

const SCOPES: Readonly<Record<string, string>> = { virtual_key: "key" };
const ASK = "ask your platform team";
const NEXT: Readonly<Record<string, string>> = {
  session: `start a new session (/clear), or ${ASK}`,
  subagent: `go on without it, or ${ASK}`,
  depth: `let its parent do the work, or ${ASK}`,
  subagents: `go on without a further one, start a new session (/clear), or ${ASK}`,
};

function toldOf({ cap, limit }: CapReached): string {
  switch (cap) {
    case "requests":
      return `has made ${counted(limit, "request")}, all`;
    case "tokens":
      return `has used ${counted(limit, "token")}, all`;
    case "duration":
      return `has lasted ${durationText(limit)}, all`;
    case "depth":
      return limit === 0
        ? "asks for a subagent, more than"
        : `nests agents deeper than the ${limit}`;
    case "subagents":
      return `has had ${counted(limit, "subagent")}, all`;
  }
}

function counted(amount: number, noun: string): string {
  return `${amount.toLocaleString("en-US")} ${noun}${amount === 1 ? "" : "s"}`;
}

/** "Session 3f0c…", "The default session of key ada". */
function sessionName({ virtualKey, session }: SessionId): string {
  if (isDefaultSession(session)) return `The default session of key ${virtualKey}`;
  return `Session ${shortened(session)}`;
}

function shortened(id: string): string {
  return id.length > NAME_CHARACTERS_MAX ? `${id.slice(0, NAME_CHARACTERS_MAX)}…` : id;
}

function withoutStop(reason: string): string {
  const isLong = reason.length > REASON_CHARACTERS_MAX;
  const cut = isLong ? `${reason.slice(0, REASON_CHARACTERS_MAX)}…` : reason;
  return cut.replace(/[.!;\s]+$/, "");
}
