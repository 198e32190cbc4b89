/** Closed-loop load by wrk, from the second core: so many connections, each with one request at a time. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { programPath } from "../tests/harness/need.ts";
import { outputOf } from "./pinning.ts";
import type { Proxy } from "./proxies.ts";

export interface Load {
  readonly connections: number;
  readonly seconds: number;
  readonly body: Buffer;
}

/** What wrk saw. */
export interface Latency {
  readonly requests: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Each proxy sees as many sessions. */
const SESSIONS = 16;

/** True where load can be made. */
export function canLoad(): boolean {
  return programPath("wrk") !== null;
}

/**
 * Runs load against a proxy; `folder` takes wrk's script.
 *
 * @throws Error where any request failed: what is measured then is not what was meant.
 */
export async function runLoad(proxy: Proxy, load: Load, folder: string): Promise<Latency> {
  const script = join(folder, `${proxy.name}.lua`);
  const bodyFile = join(folder, "body.json");
  writeFileSync(bodyFile, load.body);
  writeFileSync(script, scriptOf(proxy, bodyFile));
  const wrk = programPath("wrk") ?? "wrk";
  const options = ["-t1", `-c${load.connections}`, `-d${load.seconds}s`, "--timeout", "30s"];
  const output = await outputOf([wrk, ...options, "-s", script, proxy.url]);
  return resultOf(proxy, output);
}

function scriptOf(proxy: Proxy, bodyFile: string): string {
  const headers = Object.entries(proxy.headers("SESSION")).map(
    ([name, value]) => `  [${JSON.stringify(name)}] = ${JSON.stringify(value)},`,
  );
  return `
local headers = {
${headers.join("\n")}
}
local requests = {}
local turn = 0

function init()
  local file = io.open(${JSON.stringify(bodyFile)}, "rb")
  local body = file:read("*a")
  file:close()
  for index = 1, ${SESSIONS} do
    headers["x-claude-code-session-id"] = string.format("5f0c7f2e-1d36-4a8e-9a53-%012d", index)
    requests[index] = wrk.format("POST", "/v1/messages", headers, body)
  end
end

function request()
  turn = turn % ${SESSIONS} + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests":%d,"p50Us":%d,"p99Us":%d,"failed":%d}\\n',
    summary.requests, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`;
}

function resultOf(proxy: Proxy, output: string): Latency {
  const result = /^RESULT (.*)$/m.exec(output)?.[1];
  if (result === undefined) throw new Error(`wrk gave no result for ${proxy.name}:\n${output}`);
  const { failed, ...latency } = JSON.parse(result) as Latency & { readonly failed: number };
  if (failed > 0) throw new Error(`${failed} requests to ${proxy.name} failed:\n${output}`);
  return latency;
}
