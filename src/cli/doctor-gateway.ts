/** Doctor's checks of the running gateway: does it answer, and what does it say of itself? */
import { createServer } from "node:http";
import type { Status } from "../control/status.ts";
import { parseAddress } from "../config/scalar.ts";
import { connectControl } from "./control-client.ts";
import { CommandFailed, EXIT } from "./exit.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";
import type { Place } from "./place.ts";
import type { Session } from "./verb.ts";

export interface GatewayFindings {
  readonly isRunning: boolean;
  readonly findings: readonly Finding[];
}

const VIEWS_LAG_MS = 5_000;

/** By the socket of the data directory alone: the variables for other machines are not asked. */
export async function gatewayChecks(place: Place): Promise<GatewayFindings> {
  const control = connectControl(place, {});
  try {
    const status = (await control.call("GET", "/api/v1/status")) as Status;
    const findings = [
      ok("gateway", `version ${status.version}, process ${status.process}, mode ${status.mode}`),
      readinessCheck(status),
      await dataPlaneCheck(status),
      ...providerChecks(status),
      ...reloadCheck(status),
      viewsCheck(status),
      booksCheck(status),
    ];
    return { isRunning: true, findings };
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    const isAbsent = error.exitCode === EXIT.unreachable;
    const finding = isAbsent
      ? warn("gateway", `none runs on ${place.dataDir}`, 'start it with "tollgate serve"')
      : fail("gateway", error.message, "its log on standard error says more");
    return { isRunning: !isAbsent, findings: [finding, await portCheck(place)] };
  }
}

function readinessCheck({ ready, reasons }: Status): Finding {
  if (ready) return ok("readiness", "requests are served");
  return fail("readiness", reasons.join("; "), "requests are refused until that has ended");
}

async function dataPlaneCheck({ url }: Status): Promise<Finding> {
  const name = "data plane";
  try {
    const answer = await fetch(`${url}/health/live`);
    await answer.body?.cancel();
    if (answer.status === 200) return ok(name, `${url} answers`);
    return fail(name, `${url} answers with ${answer.status}`, "is something else there?");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(name, `${url} does not answer: ${why}`, "check server.listen and firewalls");
  }
}

function providerChecks({ provider_troubles: troubles }: Status): Finding[] {
  if (troubles.length === 0) return [ok("providers", "no credential is refused")];
  return troubles.map((trouble) =>
    fail("providers", trouble, '"tollgate check --online" tries all provider keys'),
  );
}

function reloadCheck({ configuration_fault: fault }: Status): Finding[] {
  if (fault === null) return [];
  const remedy = "mend the file: the configuration before it is still in force";
  return [warn("reload", fault, remedy)];
}

function viewsCheck({ views }: Status): Finding {
  const remedy = 'if it stays so, stop the gateway and run "tollgate rebuild"';
  if (views.error !== null) return warn("views", views.error, remedy);
  const message = `${Math.round(views.lag_ms)} ms behind the journal`;
  return views.lag_ms > VIEWS_LAG_MS ? warn("views", message, remedy) : ok("views", message);
}

/** A running gateway checks its counters against each other every ten seconds. */
function booksCheck({ invariant_breaches: breaches }: Status): Finding {
  const [first] = breaches;
  if (first === undefined) return ok("books", "the budgets' counters agree with their holds");
  const more = breaches.length > 1 ? ` (and ${breaches.length - 1} more)` : "";
  const remedy = "restart the gateway, which counts anew from the journal, and report the fault";
  return fail("books", `${first}${more}`, remedy);
}

/** Whether the gateway could listen; asked only where none runs. */
async function portCheck({ listen }: Place): Promise<Finding> {
  const address = parseAddress(listen);
  if (address === null) return fail("port", `${listen} is no address`, "write host:port");
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(address.port, address.host, resolve);
    });
    return ok("port", `${listen} is free`);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const remedy = "stop what listens there, or choose another with TOLLGATE_LISTEN";
    return fail("port", `${listen} cannot be listened on (${code})`, remedy);
  } finally {
    server.close();
  }
}

/** The control API over the network, where this shell is set up for it. */
export async function adminCheck({ environment }: Session): Promise<Finding> {
  const name = "admin API";
  if ((environment["TOLLGATE_ADMIN_URL"] ?? "") === "") {
    return ok(name, "TOLLGATE_ADMIN_URL is not set: the socket is used");
  }
  try {
    const control = connectControl(null, environment);
    const status = (await control.call("GET", "/api/v1/status")) as Status;
    return ok(name, `version ${status.version} answers at TOLLGATE_ADMIN_URL`);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return fail(name, error.message, "check TOLLGATE_ADMIN_URL and TOLLGATE_ADMIN_TOKEN");
  }
}
