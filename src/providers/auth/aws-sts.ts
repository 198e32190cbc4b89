/** AWS's Security Token Service: keys for a role, by a web identity or by other keys. */
import { lentKeys } from "./aws-keys.ts";
import type { AwsKeys } from "./aws-keys.ts";
import { signAws } from "./aws-sign.ts";
import type { AuthFault } from "./fault.ts";
import { variable } from "./machine.ts";
import type { Machine } from "./machine.ts";
import type { Obtained } from "./token-cache.ts";
import { callTokenServer, faultOfStatus } from "./token-call.ts";

export interface RoleWanted {
  readonly roleArn: string;
  /** Shown in AWS's own logs; null: ours. */
  readonly sessionName: string | null;
  readonly externalId: string | null;
  readonly durationSeconds: string | null;
}

const SERVER = "AWS STS";
const SESSION_NAME = "tollgate";

/** Keys by the token of a web identity (a pod's service account); the call itself is not signed. */
export function assumeRoleByToken(
  machine: Machine,
  region: string | null,
  role: RoleWanted & { readonly token: string },
): Promise<Obtained<AwsKeys> | AuthFault> {
  const form = {
    ...formOf("AssumeRoleWithWebIdentity", role),
    WebIdentityToken: role.token,
  };
  return ask(machine, { region, form, keys: null });
}

/** Keys by other keys, which sign the call. */
export function assumeRoleByKeys(
  machine: Machine,
  region: string | null,
  role: RoleWanted & { readonly keys: AwsKeys },
): Promise<Obtained<AwsKeys> | AuthFault> {
  return ask(machine, { region, form: formOf("AssumeRole", role), keys: role.keys });
}

function formOf(action: string, role: RoleWanted): Record<string, string> {
  return {
    Action: action,
    Version: "2011-06-15",
    RoleArn: role.roleArn,
    RoleSessionName: role.sessionName ?? SESSION_NAME,
    ...(role.externalId === null ? {} : { ExternalId: role.externalId }),
    ...(role.durationSeconds === null ? {} : { DurationSeconds: role.durationSeconds }),
  };
}

async function ask(
  machine: Machine,
  question: {
    readonly region: string | null;
    readonly form: Readonly<Record<string, string>>;
    readonly keys: AwsKeys | null;
  },
): Promise<Obtained<AwsKeys> | AuthFault> {
  const { region, form, keys } = question;
  const url = `${endpointOf(machine, region)}/`;
  const body = new URLSearchParams(form).toString();
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const origin = URL.parse(url)?.origin ?? "";
  const signature =
    keys === null || origin === ""
      ? {}
      : await signAws(
          { method: "POST", origin, path: "/", headers, body: [Buffer.from(body)] },
          { keys, region: region ?? "us-east-1", service: "sts", wallMs: machine.clock.wallMs() },
        );
  const accepts = { accept: "application/xml" };
  const reply = await callTokenServer(machine, {
    server: SERVER,
    method: "POST",
    url,
    headers: { ...headers, ...accepts, ...signature },
    body,
  });
  if (!reply.ok) return reply;
  if (reply.status !== 200)
    return faultOfStatus(SERVER, reply.status, elementOf(reply.text, "Code"));
  return lentKeys(SERVER, machine, {
    id: elementOf(reply.text, "AccessKeyId"),
    secret: elementOf(reply.text, "SecretAccessKey"),
    token: elementOf(reply.text, "SessionToken"),
    expiration: elementOf(reply.text, "Expiration"),
  });
}

/** AWS_ENDPOINT_URL_STS, else the region's own, which also works where the global one is closed off. */
function endpointOf(machine: Machine, region: string | null): string {
  const named = variable(machine, "AWS_ENDPOINT_URL_STS");
  if (named !== null) return named.replace(/\/+$/, "");
  if (region === null) return "https://sts.amazonaws.com";
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return `https://sts.${region}.${suffix}`;
}

/** The text of an element that the query protocol writes once, without attributes; none needs escapes. */
function elementOf(xml: string, name: string): string | null {
  return new RegExp(`<${name}>\\s*([^<&]*?)\\s*</${name}>`).exec(xml)?.[1] ?? null;
}
