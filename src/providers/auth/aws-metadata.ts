/** AWS keys that the machine itself hands out: a container's or pod's, or the instance's. */
import { keysFromJson } from "./aws-keys.ts";
import type { AwsKeys } from "./aws-keys.ts";
import { lastingFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import { referredFile, variable } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { callMetadata } from "./metadata-call.ts";
import type { Obtained } from "./token-cache.ts";
import { callTokenServer, faultOfStatus, isThisMachine } from "./token-call.ts";

const CONTAINER = "the container's credential service";
const INSTANCE = "the instance metadata service";
const INSTANCE_PATH = "/latest/meta-data/iam/security-credentials/";
const SESSION_SECONDS = "21600";

const CONTAINER_HOSTS: ReadonlySet<string> = new Set([
  "169.254.170.2",
  "169.254.170.23",
  "[fd00:ec2::23]",
]);

/** Null where the environment names no container's credentials. */
export async function containerKeys(
  machine: Machine,
): Promise<Obtained<AwsKeys> | AuthFault | null> {
  const relative = variable(machine, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const full = variable(machine, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative === null && full === null) return null;
  const url = URL.parse(relative === null ? (full ?? "") : `http://169.254.170.2${relative}`);
  if (url === null || !isContainers(url))
    return lastingFault(
      "AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that is not a container's",
    );
  const token = await containerToken(machine);
  if (!token.ok) return token;
  const headers: Record<string, string> = token.text === "" ? {} : { authorization: token.text };
  const call = { server: CONTAINER, method: "GET", url: url.href, headers } as const;
  const reply =
    url.protocol === "https:"
      ? await callTokenServer(machine, { ...call, body: null })
      : await callMetadata(machine, call);
  return reply.ok ? keysFromJson(CONTAINER, machine, reply) : reply;
}

/** In the clear only next door. */
function isContainers({ protocol, hostname }: URL): boolean {
  if (protocol === "https:") return true;
  return protocol === "http:" && (isThisMachine(hostname) || CONTAINER_HOSTS.has(hostname));
}

async function containerToken(
  machine: Machine,
): Promise<{ readonly ok: true; readonly text: string } | AuthFault> {
  const name = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
  const path = variable(machine, name);
  const plain = variable(machine, "AWS_CONTAINER_AUTHORIZATION_TOKEN") ?? "";
  // Read each time: it is exchanged while the pod runs.
  const token =
    path === null ? ({ ok: true, text: plain } as const) : await referredFile(machine, path, name);
  if (token.ok && /[^\x20-\x7e]/.test(token.text))
    return lastingFault("the container's authorization token holds what no header can carry");
  return token;
}

/** By version 2 of the service, which hands nothing out without a session. */
export async function instanceKeys(machine: Machine): Promise<Obtained<AwsKeys> | AuthFault> {
  if (variable(machine, "AWS_EC2_METADATA_DISABLED")?.toLowerCase() === "true")
    return lastingFault("AWS_EC2_METADATA_DISABLED is set: no keys from the instance");
  const named = variable(machine, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  const base = (named ?? "http://169.254.169.254").replace(/\/+$/, "");
  if (URL.parse(base)?.protocol !== "http:")
    return lastingFault("AWS_EC2_METADATA_SERVICE_ENDPOINT is no http URL");
  const session = await callMetadata(machine, {
    server: INSTANCE,
    method: "PUT",
    url: `${base}/latest/api/token`,
    headers: { "x-aws-ec2-metadata-token-ttl-seconds": SESSION_SECONDS },
  });
  if (!session.ok) return session;
  if (session.status !== 200) return faultOfStatus(INSTANCE, session.status, null);
  const headers = { "x-aws-ec2-metadata-token": session.text.trim() };
  const get = (path: string) =>
    callMetadata(machine, { server: INSTANCE, method: "GET", url: base + path, headers });
  const roles = await get(INSTANCE_PATH);
  if (!roles.ok) return roles;
  if (roles.status !== 200) return faultOfStatus(INSTANCE, roles.status, null);
  const role = encodeURIComponent(roles.text.trim().split("\n")[0] ?? "");
  const reply = await get(INSTANCE_PATH + role);
  return reply.ok ? keysFromJson(INSTANCE, machine, reply) : reply;
}
