/** Who a request without a known key came from: told in the log, bounded, and kept nowhere else. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { send } from "../harness/raw-request.ts";

const CLIENT = "203.0.113.77";
const LINES_PER_SECOND = 10;

interface UnknownKeyLine {
  readonly request: string;
  readonly client_address: string | null;
}

function linesOf(gateway: Gateway): UnknownKeyLine[] {
  return gateway
    .logs()
    .split("\n")
    .filter((line) => line.includes("request without a known key"))
    .map((line) => JSON.parse(line) as UnknownKeyLine);
}

async function addressSeen(gateway: Gateway, forwardedFor: string | string[]): Promise<unknown> {
  const headers = { "x-forwarded-for": forwardedFor, "x-api-key": "vk_nobody_0123456789abcdef" };
  const answer = await send(gateway.url, { method: "GET", path: "/v1/models", headers });
  assert.equal(answer.status, 401);
  const id = answer.headers["tollgate-request-id"];
  const isOurs = ({ request }: UnknownKeyLine): boolean => request === id;
  await until("the line is written", () => linesOf(gateway).some(isOurs));
  return linesOf(gateway).find(isOurs)?.client_address;
}

describe("trusted proxies", () => {
  let alone: Gateway;
  let behind: Gateway;

  before(async () => {
    const server = { trusted_proxies: ["127.0.0.0/8", "2001:db8::/32"] };
    const config = smallConfig("http://127.0.0.1:9", { server });
    const plain = smallConfig("http://127.0.0.1:9");
    [alone, behind] = await Promise.all([
      startGateway({ config: plain, env: SMALL_ENV }),
      startGateway({ config, env: SMALL_ENV }),
    ]);
  });
  after(() => Promise.all([alone.dispose(), behind.dispose()]));

  test("without any, the header is nobody's word", async () => {
    assert.equal(await addressSeen(alone, CLIENT), "127.0.0.1");
  });

  test("from a trusted peer the last address that is no proxy counts", async () => {
    assert.equal(await addressSeen(behind, CLIENT), CLIENT);
    assert.equal(await addressSeen(behind, `198.51.100.1, ${CLIENT}, 2001:db8::7`), CLIENT);
    assert.equal(await addressSeen(behind, ["198.51.100.1", `${CLIENT}, 127.0.0.2`]), CLIENT);
  });

  test("no record and no row holds an address", async () => {
    await addressSeen(behind, CLIENT);
    const rows = await behind.rows((all) => all.length > 0);
    const journal = join(behind.dataDir, "journal");
    const segments = readdirSync(journal, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ndjson"))
      .map((path) => readFileSync(join(journal, path), "utf8"));
    const kept = JSON.stringify(rows) + segments.join("\n");
    assert.match(kept, /unknown_key/);
    assert.ok(!kept.includes(CLIENT) && !kept.includes("127.0.0.1"));
  });

  test("a flood of unknown keys fills no log", async () => {
    const before = linesOf(alone).length;
    const startMs = performance.now();
    const flood = Array.from({ length: 300 }, () => send(alone.url, { path: "/v1/messages" }));
    await Promise.all(flood);
    const seconds = Math.ceil((performance.now() - startMs) / 1000) + 1;
    const written = linesOf(alone).length - before;
    assert.ok(written > 0 && written <= seconds * LINES_PER_SECOND, `${written} in ${seconds} s`);
  });
});
