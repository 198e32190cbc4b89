/** `tollgate doctor`: looks at everything that usually goes wrong, and says what to do about it. */
import type { Command } from "commander";
import { adminCheck, gatewayChecks } from "./doctor-gateway.ts";
import { claudeCheck, configurationCheck, runtimeCheck } from "./doctor-machine.ts";
import { dataChecks } from "./doctor-data.ts";
import { EXIT } from "./exit.ts";
import type { Finding } from "./finding.ts";
import { findPlace } from "./place.ts";
import { say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions } from "./verb.ts";

const MARKS = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

export function doctorVerb(session: Session): Command {
  return newVerb(
    "doctor",
    "check everything that usually goes wrong; exit 1 where something has",
  ).action(async (options: StandardOptions) => {
    const findings = await examine(options, session);
    if (findings.some(({ state }) => state === "fail")) session.exitCode = EXIT.failed;
    if (options.json === true) return sayJson(findings);
    for (const { name, state, message, remedy } of findings) {
      say(`${MARKS[state]} ${name}: ${message}`);
      if (remedy !== null) say(`     ${remedy}`);
    }
  });
}

async function examine(options: StandardOptions, session: Session): Promise<Finding[]> {
  const place = findPlace(options.config, session.environment);
  const gateway = await gatewayChecks(place);
  return [
    runtimeCheck(process.versions.node),
    await configurationCheck(place, session),
    ...dataChecks(place, gateway.isRunning),
    ...gateway.findings,
    await adminCheck(session),
    claudeCheck(session),
  ];
}
