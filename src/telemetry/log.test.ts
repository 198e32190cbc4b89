/** What the log writes, and what it must never write. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, type LogFormat, type LogLevel } from "./log.ts";

function lines(format: LogFormat, level: LogLevel = "info") {
  const written: string[] = [];
  const stream = { write: (line: string) => void written.push(line) };
  return { log: createLog({ level, format, stream }), written };
}

const SECRETS = [
  "vk_0123456789abcdefghijABCDEFGHIJ0123456789abcdefghijAB",
  "vk_short_but_key-like",
  "sk-ant-api03-abcdefghijklmnop_qrstuvwx-yz",
  "tga_0123456789abcdefghijABCDEFGHIJ",
  "Bearer abcdef.ghijkl-mnop",
  "http://user:pass1234word@proxy.example",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefgh",
];

for (const format of ["json", "text"] as const) {
  test(`no form of a key reaches the ${format} log, wherever it stands`, () => {
    const { log, written } = lines(format);
    for (const secret of SECRETS) {
      log.error(`failed with ${secret} in it`);
      log.warn("a field", { header: secret, nested: { list: [`x ${secret}`] } });
      log.info("an error", { error: new Error(`bad ${secret}`).stack });
      log.info("a name", { [secret]: 1 });
    }
    const text = written.join("");
    for (const secret of SECRETS) {
      const tail = secret.slice(secret.search(/[_-]|\s|:\/\//) + 5);
      assert.ok(!text.includes(tail), `${tail} in ${text}`);
    }
    assert.match(text, /vk_\[redacted\]/);
    assert.equal(written.length, SECRETS.length * 4);
  });
}

test("JSON lines have time, level, message and the fields", () => {
  const { log, written } = lines("json");
  log.warn("the disk is full", { request: "req_1", bytes: 12n, none: undefined });
  const line = JSON.parse(written[0] ?? "") as Record<string, unknown>;
  const { time, ...rest } = line;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, {
    level: "warn",
    message: "the disk is full",
    request: "req_1",
    bytes: 12,
  });
});

test("text lines are one line each, whatever a client has sent", () => {
  const { log, written } = lines("text");
  log.info("asked for\u001b[31m a\nb", { path: "/a b\n\u2028c", status: 404 });
  assert.equal(written.length, 1);
  const [line = ""] = written;
  assert.match(line, /^\S+Z info {2}asked for \[31m a b path="\/a b\\n.*" status=404\n$/);
  assert.equal(/[\p{Cc}\u2028]/u.test(line.slice(0, -1)), false);
});

test("level and format can change while it runs", () => {
  const { log, written } = lines("json", "warn");
  log.info("left out");
  log.configure({ level: "info", format: "text" });
  log.info("written");
  log.debug("left out");
  assert.equal(written.length, 1);
  assert.match(written[0] ?? "", / info {2}written\n$/);
});
