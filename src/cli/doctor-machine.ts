/** Doctor's checks of what the gateway stands on: Node, the configuration, Claude Code. */
import { spawnSync } from "node:child_process";
import { formatFault } from "../config/fault.ts";
import { claudeBinary } from "./claude.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";
import { counting } from "./numbers.ts";
import type { Place } from "./place.ts";
import type { Session } from "./verb.ts";

const NODE_MAJOR_MIN = 24;
const CLAUDE_TIMEOUT_MS = 10_000;

/** @param version of Node, as it says it itself. */
export function runtimeCheck(version: string): Finding {
  const major = Number(version.split(".", 1)[0]);
  if (major >= NODE_MAJOR_MIN) return ok("runtime", `Node ${version}`);
  return fail("runtime", `Node ${version} is too old`, `install Node ${NODE_MAJOR_MIN} or newer`);
}

export async function configurationCheck(place: Place, session: Session): Promise<Finding> {
  const { readConfig } = await import("../node/reload.ts");
  const loaded = readConfig(place.configFile, session.environment);
  const name = "configuration";
  const what = place.configFile ?? "the default configuration";
  if (!loaded.ok) {
    const [first] = loaded.faults;
    const message = `${counting(loaded.faults.length, "fault")}, the first: ${first ? formatFault(first) : ""}`;
    return fail(name, message, '"tollgate check" lists all; variables must be set here, too');
  }
  const [warning] = loaded.warnings;
  if (warning === undefined) return ok(name, `${what} is valid`);
  const count = loaded.warnings.length;
  return warn(
    name,
    `${what} is valid, with ${counting(count, "warning")}`,
    '"tollgate check" lists them',
  );
}

export function claudeCheck(session: Session): Finding {
  const binary = claudeBinary(session);
  const run = spawnSync(binary, ["--version"], { timeout: CLAUDE_TIMEOUT_MS, encoding: "utf8" });
  const name = "Claude Code";
  if (run.status === 0) return ok(name, run.stdout.trim().split("\n", 1)[0] ?? "");
  return warn(
    name,
    `no program "${binary}" answers`,
    'install it with "npm install -g @anthropic-ai/claude-code", or set TOLLGATE_CLAUDE_BINARY; ' +
      "the gateway does not need it on this machine",
  );
}
