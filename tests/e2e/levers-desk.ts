/** A gateway with levers on every level, before a passing and a translated door. */
import assert from "node:assert/strict";
import { startDialectUpstream, type DialectUpstream } from "../harness/dialects/upstream.ts";
import { startGateway, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { UPSTREAM_KEY } from "../harness/gateway-config.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { secretOf } from "./desk.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface LeversDesk {
  readonly gateway: Gateway;
  /** Of keys that go through the door that passes. */
  readonly passing: Upstream;
  /** Of keys whose id begins with "converse". */
  readonly translated: DialectUpstream;
  readonly ask: (
    id: string,
    body: Fields,
    what?: { readonly headers?: Readonly<Record<string, string>>; readonly path?: string },
  ) => Promise<RawAnswer>;
  readonly rowOf: (answer: RawAnswer) => Promise<RequestRow>;
  /** The last body that the passing upstream has seen. */
  readonly seen: () => Fields;
  readonly dispose: () => Promise<void>;
}

/** Starts a desk with these levers by key, and these further fields of the file. */
export async function startLeversDesk(
  levers: Readonly<Record<string, object>>,
  file: object = {},
): Promise<LeversDesk> {
  const passing = await startUpstream(() => text("ok"));
  const translated = await startDialectUpstream("bedrock-converse", () => text("ok"));
  const keys = Object.entries(levers).map(([id, own]) => ({
    id,
    team: "platform",
    secret: `env:${variableOf(id)}`,
    levers: Object.keys(own).length === 0 ? undefined : own,
    providers: [{ id: id.startsWith("converse") ? "converse" : "anthropic" }],
  }));
  const provider = { keys: [{ id: "main", secret: "env:UPSTREAM_KEY" }] };
  const bedrock = { kind: "bedrock", door: "converse", settings: { region: "us-east-1" } };
  const gateway = await startGateway({
    config: {
      server: { budget_wait_seconds: 1 },
      routing: { fail_over: false },
      providers: [
        { ...provider, id: "anthropic", kind: "anthropic", base_url: passing.url },
        { ...provider, ...bedrock, id: "converse", base_url: translated.url },
      ],
      customers: [{ id: "acme" }],
      teams: [{ id: "platform", customer: "acme" }],
      virtual_keys: keys,
      ...file,
    },
    env: {
      UPSTREAM_KEY,
      ...Object.fromEntries(Object.keys(levers).map((id) => [variableOf(id), secretOf(id)])),
    },
  });
  return {
    gateway,
    passing,
    translated,
    ask: (id, body, { headers = {}, path = "/v1/messages" } = {}) =>
      send(gateway.url, {
        path,
        headers: {
          "x-api-key": secretOf(id),
          "content-type": "application/json",
          "anthropic-version": "2023-06-01",
          ...headers,
        },
        body: JSON.stringify(body),
      }),
    rowOf: async (answer) => {
      const id = answer.headers["tollgate-request-id"];
      const rows = await gateway.rows((all) => all.some((row) => row.id === id));
      const row = rows.find((each) => each.id === id);
      assert.ok(row !== undefined);
      return row;
    },
    seen: () => passing.requests.at(-1)?.json() ?? {},
    dispose: async () => {
      await gateway.dispose();
      await passing.stop();
      await translated.stop();
    },
  };
}

function variableOf(id: string): string {
  return `KEY_${id.toUpperCase()}`;
}
