/** Every door is left when it fails before its content, and takes over when another has failed. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  askGateway,
  DOOR_MODEL,
  DOORS,
  doorConfig,
  doorEnv,
  identification,
} from "../e2e/doors-desk.ts";
import { messageIn } from "../e2e/doors-answer.ts";
import { startGoogleAccount, type GoogleAccount } from "../harness/dialects/google-account.ts";
import {
  dialectError,
  startDialectUpstream,
  type DialectUpstream,
} from "../harness/dialects/upstream.ts";
import { startGateway, type Gateway } from "../harness/gateway.ts";
import { text } from "../harness/scripts.ts";

const QUESTION = {
  model: DOOR_MODEL,
  max_tokens: 500,
  messages: [{ role: "user", content: "Who answers?" }],
};
const ANTHROPIC = "anthropic-messages";

type Config = ReturnType<typeof doorConfig> & {
  readonly providers: readonly object[];
  readonly virtual_keys: readonly (object & { readonly id: string })[];
};

/** Each door with a spare behind it; with the key `ID-strict` a sick provider comes before it. */
function withSpares(urls: ReadonlyMap<string, string>): object {
  const config = doorConfig(DOORS, (id) => urls.get(id) ?? "") as Config;
  const keys = [{ id: "main", secret: "env:UPSTREAM_KEY" }];
  const other = (id: string, place: string) => ({
    id,
    kind: "anthropic",
    base_url: urls.get(place),
    keys,
  });
  const sick = DOORS.map(({ id }) => other(`sick-${id}`, "sick"));
  return {
    ...config,
    routing: { on_unsupported: "drop" },
    providers: [...config.providers, other("spare", "spare"), ...sick],
    virtual_keys: config.virtual_keys.map((key) => {
      const door = key.id.replace("-strict", "");
      const uses = door === key.id ? [door, "spare"] : [`sick-${door}`, door];
      return { ...key, providers: uses.map((id) => ({ id })) };
    }),
  };
}

describe("fail-over at every door", () => {
  let google: GoogleAccount;
  let gateway: Gateway;
  const upstreams = new Map<string, DialectUpstream>();

  before(async () => {
    google = await startGoogleAccount();
    for (const door of DOORS) {
      const options = identification(door, google);
      const script = () => text(`from ${door.id}`);
      upstreams.set(door.id, await startDialectUpstream(door.format, script, options));
    }
    const failed = dialectError(ANTHROPIC, 500, { message: "sick" });
    upstreams.set("sick", await startDialectUpstream(ANTHROPIC, () => failed));
    upstreams.set("spare", await startDialectUpstream(ANTHROPIC, () => text("from the spare")));
    const urls = new Map([...upstreams].map(([id, { url }]) => [id, url]));
    gateway = await startGateway({ config: withSpares(urls), env: doorEnv(DOORS, google) });
  });
  after(async () => {
    await gateway?.dispose();
    for (const upstream of upstreams.values()) await upstream.stop();
    await google?.stop();
  });

  /** One request a case: many failures would open breakers, which is another story. */
  async function assertServed(key: string, stream: boolean, from: string): Promise<void> {
    const answer = await askGateway(gateway, key, { ...QUESTION, stream });
    assert.equal(answer.status, 200, answer.body.toString("utf8"));
    assert.deepEqual(messageIn(answer).content, [{ type: "text", text: `from ${from}` }]);
    const id = String(answer.headers["tollgate-request-id"]);
    await gateway.rows((rows) => rows.some((row) => row.id === id && row.outcome !== null));
    const { attempts } = (await gateway.api(`/api/v1/requests/${id}`)) as {
      attempts: readonly { readonly upstream_status: number }[];
    };
    assert.deepEqual(
      attempts.map((attempt) => attempt.upstream_status),
      [500, 200],
    );
  }

  for (const door of DOORS) {
    test(`${door.id} fails, and the next one serves`, async () => {
      const failed = dialectError(door.format, 500, { message: "sick" });
      upstreams.get(door.id)?.answerWith(() => failed);
      await assertServed(door.id, true, "the spare");
      upstreams.get(door.id)?.answerWith(() => text(`from ${door.id}`));
    });

    test(`${door.id} serves where another has failed`, () =>
      assertServed(`${door.id}-strict`, false, door.id));
  }
});
