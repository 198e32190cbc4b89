/** Makes a scope's caps on sessions of a faultless file. */
import { parseDuration } from "./scalar.ts";
import type { SessionCapsConfig, SubagentCapsConfig } from "./sessions-config.ts";
import type { FileSessions } from "./sessions-schema.ts";

type FileCaps = NonNullable<FileSessions["subagents"]>;

/** Null for what the scope does not cap. */
export function sessionCapsOf({ sessions, subagents }: FileSessions): {
  readonly sessions: SessionCapsConfig | null;
  readonly subagents: SubagentCapsConfig | null;
} {
  return {
    sessions:
      sessions === undefined
        ? null
        : {
            ...capsOf(sessions),
            depth: sessions.depth ?? null,
            subagents: sessions.subagents ?? null,
          },
    subagents: subagents === undefined ? null : capsOf(subagents),
  };
}

function capsOf({ requests, tokens, duration }: FileCaps): SubagentCapsConfig {
  const durationMs = duration === undefined ? null : parseDuration(duration);
  return { requests: requests ?? null, tokens: tokens ?? null, durationMs };
}
