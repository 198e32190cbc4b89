/** One gateway before a scripted upstream of every dialect: a provider and two keys for each door. */
import assert from "node:assert/strict";
import type { DialectFormat } from "../harness/dialects/dialect.ts";
import { startGoogleAccount, type GoogleAccount } from "../harness/dialects/google-account.ts";
import { isSignedBy } from "../harness/dialects/sigv4.ts";
import {
  startDialectUpstream,
  type DialectOptions,
  type DialectUpstream,
} from "../harness/dialects/upstream.ts";
import { startGateway, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { UPSTREAM_KEY } from "../harness/gateway-config.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import type { Answer } from "../harness/scripts.ts";
import { text } from "../harness/scripts.ts";
import { secretOf } from "./desk.ts";

/** One way into a provider, as the configuration has it. */
export interface DoorCase {
  /** Of provider and key; a second key `ID-strict` refuses what cannot be carried. */
  readonly id: string;
  readonly format: DialectFormat;
  /** Fields of the provider besides its id, address and keys. */
  readonly provider: object;
  /** Of the upstream's address. */
  readonly prefix?: string;
  /** What the upstream is asked for where a client asks for `DOOR_MODEL`. */
  readonly model: string;
  /** How the provider's key identifies itself; default: `secret`. */
  readonly key?: "aws" | "google";
  /** A header other than the dialect's usual one. */
  readonly credential?: readonly [name: string, value: string];
}

export const DOOR_MODEL = "claude-opus-5-5";
const REGION = { settings: { region: "us-east-1" } };
const AWS = { id: "AKIATESTTESTTESTTEST", secret: "aws-secret-for-tests", region: "us-east-1" };

export const DOORS: readonly DoorCase[] = [
  {
    id: "chat",
    format: "openai-chat",
    provider: {
      kind: "openai",
      door: "chat",
      models: { "claude-haiku-*": "gpt-5-mini", "claude-*": "gpt-5.2" },
    },
    model: "gpt-5.2",
  },
  {
    id: "responses",
    format: "openai-responses",
    provider: {
      kind: "openai",
      door: "responses",
      models: { "claude-haiku-*": "gpt-5-mini", "claude-*": "gpt-5.6-terra" },
    },
    model: "gpt-5.6-terra",
  },
  {
    id: "gemini",
    format: "gemini",
    provider: {
      kind: "gemini",
      models: { "claude-haiku-*": "gemini-2.5-flash-lite", "claude-*": "gemini-3.1-pro-preview" },
    },
    model: "gemini-3.1-pro-preview",
  },
  {
    id: "converse",
    format: "bedrock-converse",
    provider: { kind: "bedrock", door: "converse", ...REGION },
    model: `global.anthropic.${DOOR_MODEL}`,
  },
  {
    id: "invoke",
    format: "bedrock-invoke",
    provider: { kind: "bedrock", door: "invoke", ...REGION },
    model: `global.anthropic.${DOOR_MODEL}`,
    key: "aws",
  },
  {
    id: "vertex",
    format: "vertex-anthropic",
    provider: { kind: "vertex", settings: { project: "tests", location: "global" } },
    model: DOOR_MODEL,
    key: "google",
  },
  {
    id: "foundry",
    format: "anthropic-messages",
    provider: { kind: "azure-foundry", settings: { resource: "tests" } },
    prefix: "/anthropic",
    model: DOOR_MODEL,
    credential: ["api-key", UPSTREAM_KEY],
  },
  {
    id: "deepseek",
    format: "anthropic-messages",
    provider: { kind: "deepseek", models: { "claude-*": "deepseek-v4-pro" } },
    model: "deepseek-v4-pro",
    credential: ["authorization", `Bearer ${UPSTREAM_KEY}`],
  },
];

export interface DoorDesk {
  readonly gateway: Gateway;
  readonly upstream: (id: string) => DialectUpstream;
  readonly google: GoogleAccount;
  /** Asks with the key `id`; the door's upstream would answer so. */
  readonly ask: (id: string, body: object, answer?: Answer) => Promise<RawAnswer>;
  readonly rowOf: (answer: RawAnswer) => Promise<RequestRow>;
  readonly dispose: () => Promise<void>;
}

/** Starts an upstream for each door and one gateway before them all; failing over is off. */
export async function startDoorDesk(doors: readonly DoorCase[] = DOORS): Promise<DoorDesk> {
  const google = await startGoogleAccount();
  const upstreams = new Map<string, DialectUpstream>();
  for (const door of doors) {
    const options = identification(door, google);
    upstreams.set(door.id, await startDialectUpstream(door.format, () => text("ok"), options));
  }
  const upstream = (id: string): DialectUpstream => {
    const found = upstreams.get(id.replace("-strict", ""));
    assert.ok(found !== undefined, id);
    return found;
  };
  const gateway = await startGateway({
    config: doorConfig(doors, (id) => upstream(id).url),
    env: doorEnv(doors, google),
  });
  return {
    gateway,
    upstream,
    google,
    ask: (id, body, answer = text("ok")) => {
      upstream(id).answerWith(() => answer);
      return askGateway(gateway, id, body);
    },
    rowOf: (answer) => rowOfAnswer(gateway, answer),
    dispose: async () => {
      await gateway.dispose();
      for (const each of upstreams.values()) await each.stop();
      await google.stop();
    },
  };
}

/** Sends a Messages request, or a count of one, with the key of a door. */
export function askGateway(
  gateway: Gateway,
  id: string,
  body: object,
  path = "/v1/messages",
): Promise<RawAnswer> {
  const headers = {
    "x-api-key": secretOf(id),
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
  };
  return send(gateway.url, { path, headers, body: JSON.stringify(body) });
}

/** The row of an answer, once its request is over. */
async function rowOfAnswer(gateway: Gateway, answer: RawAnswer): Promise<RequestRow> {
  const id = answer.headers["tollgate-request-id"];
  const isDone = (row: RequestRow): boolean => row.id === id && row.outcome !== null;
  const row = (await gateway.rows((all) => all.some(isDone))).find(isDone);
  assert.ok(row !== undefined);
  return row;
}

/** What the upstream of a door takes for our credential. */
export function identification(door: DoorCase, google: GoogleAccount): DialectOptions {
  const { key, credential } = door;
  if (key === "google") return { identifies: google.identifies };
  if (key === "aws") return { identifies: (request) => isSignedBy(request, AWS) };
  if (credential === undefined) return {};
  const [name, value] = credential;
  return { identifies: ({ headers }) => headers[name] === value };
}

/** Secrets that `doorConfig` refers to. */
export function doorEnv(doors: readonly DoorCase[], google: GoogleAccount): Record<string, string> {
  const keys = doors.flatMap(({ id }) => [id, `${id}-strict`]);
  return {
    UPSTREAM_KEY,
    AWS_ID: AWS.id,
    AWS_SECRET: AWS.secret,
    GOOGLE_ACCOUNT: google.json,
    ...Object.fromEntries(keys.map((id) => [variableOf(id), secretOf(id)])),
  };
}

/** A provider, a key and a strict key for each door. */
export function doorConfig(doors: readonly DoorCase[], urlOf: (id: string) => string): object {
  const strict = ({ id }: DoorCase) => ({
    id: `strict-${id}`,
    when: `virtual_key == "${id}-strict"`,
    targets: [{ provider: id }],
    on_unsupported: "refuse",
  });
  return {
    server: { budget_wait_seconds: 1 },
    routing: { fail_over: false, on_unsupported: "drop", rules: doors.map(strict) },
    providers: doors.map((door) => ({
      ...door.provider,
      id: door.id,
      base_url: urlOf(door.id) + (door.prefix ?? ""),
      keys: [{ id: "main", ...credentialOf(door) }],
    })),
    customers: [{ id: "acme", name: "Acme Corp" }],
    teams: [{ id: "platform", customer: "acme" }],
    virtual_keys: doors
      .flatMap(({ id }) => [id, `${id}-strict`])
      .map((id) => ({
        id,
        team: "platform",
        secret: `env:${variableOf(id)}`,
        budgets: [{ usd: "100", per: "total" }],
        providers: [{ id: id.replace("-strict", "") }],
      })),
  };
}

function credentialOf({ key }: DoorCase): object {
  if (key === "google") return { google: { credentials: "env:GOOGLE_ACCOUNT" } };
  if (key === "aws")
    return { aws: { access_key_id: "env:AWS_ID", secret_access_key: "env:AWS_SECRET" } };
  return { secret: "env:UPSTREAM_KEY" };
}

function variableOf(id: string): string {
  return `KEY_${id.toUpperCase().replaceAll("-", "_")}`;
}
