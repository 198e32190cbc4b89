/** The data plane over TLS: whole streams, a certificate replaced under them, and what keeps the old one. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { freshFolder, linesOf, runCli } from "../cli/run-cli.ts";
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { send } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import type { TestAuthority } from "../providers/certificates.ts";
import {
  fingerprintOf,
  NEEDS_OPENSSL,
  type PairFiles,
  pairFiles,
  shakeHands,
  twoPairs,
} from "./pairs.ts";

const ASK = {
  path: "/anthropic/v1/messages",
  headers: { "x-api-key": ADA_KEY, "content-type": "application/json" },
  body: JSON.stringify({
    model: "claude-opus-5-5",
    max_tokens: 1000,
    stream: true,
    messages: [{ role: "user", content: "Hi" }],
  }),
};
const SLOW = { ...text("x".repeat(3600)), delivery: { eventDelayMs: 25 } };

describe("TLS on the data plane", { skip: NEEDS_OPENSSL }, () => {
  let [first, second]: readonly TestAuthority[] = [];
  let ca: string;
  let files: PairFiles;
  let upstream: Upstream;
  let gateway: Gateway;

  before(async () => {
    const pairs = twoPairs();
    [first, second] = pairs;
    ca = pairs[0].caPem + pairs[1].caPem;
    upstream = await startUpstream(() => text("ok"));
    files = pairFiles(pairs[0]);
    gateway = await startGateway({ config: configOf(files), env: SMALL_ENV, tlsCa: ca });
  });
  after(async () => {
    await gateway.dispose();
    await upstream.stop();
    files.remove();
  });
  /** Each test begins with the first pair in force. */
  beforeEach(async () => {
    upstream.answerWith(() => text("ok"));
    files.put(first!);
    writeFileSync(gateway.configFile, JSON.stringify(configOf(files)));
    if (gateway.process().exitCode !== null) await gateway.restart();
    const isFirst = async () => (await presented()) === fingerprintOf(first!.cert);
    await until("the first pair is in force", isFirst);
    await until("nothing is amiss", async () => (await configurationFault()) === null);
  });

  const configOf = (pair: PairFiles): object =>
    smallConfig(upstream.url, { server: { tls: tlsOf(pair) } });

  const presented = async (): Promise<string> =>
    (await shakeHands(gateway.url, { ca })).fingerprint;

  const configurationFault = async (): Promise<unknown> => {
    const status = (await gateway.api("/api/v1/status")) as Record<string, unknown>;
    return status["configuration_fault"];
  };

  /** A stream on a connection of its own, which may still run; `body` resolves at its end. */
  function startStream(): { socket: Promise<TLSSocket>; body: Promise<string> } {
    const { hostname, port } = new URL(gateway.url);
    const { path, headers } = ASK;
    const outgoing = request({ hostname, port, path, headers, ca, method: "POST", agent: false });
    outgoing.end(ASK.body);
    const socket = Promise.withResolvers<TLSSocket>();
    const body = Promise.withResolvers<string>();
    outgoing.on("error", body.reject).on("response", (answer) => {
      socket.resolve(answer.socket as TLSSocket);
      let received = "";
      answer.setEncoding("utf8").on("data", (part: string) => (received += part));
      answer.on("error", body.reject).on("end", () => body.resolve(received));
    });
    return { socket: socket.promise, body: body.promise };
  }

  test("streams pass whole, and the gateway says https of itself", async () => {
    upstream.answerWith(() => text("y".repeat(100_000)));
    const direct = await send(upstream.url, { ...ASK, path: "/v1/messages" });
    const answer = await send(gateway.url, { ...ASK, ca });
    assert.equal(answer.status, 200);
    const withoutIds = (body: Buffer): string => body.toString().replace(/msg_\w+/g, "msg_");
    assert.equal(withoutIds(answer.body), withoutIds(direct.body));
    assert.match(gateway.logs(), new RegExp(`^Tollgate \\S+ is ready: ${gateway.url} `, "m"));
    const status = (await gateway.api("/api/v1/status")) as Record<string, unknown>;
    assert.equal(status["url"], gateway.url);
  });

  test("TLS 1.2 and 1.3 are spoken, nothing older, and no plain HTTP", async () => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const { protocol } = await shakeHands(gateway.url, { ca, maxVersion: version });
      assert.equal(protocol, version);
    }
    const old = {
      ca,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL:@SECLEVEL=0",
    } as const;
    await assert.rejects(shakeHands(gateway.url, old), { code: /PROTOCOL_VERSION/ });
    const { hostname, port } = new URL(gateway.url);
    const plain = plainRequest({ hostname, port, path: "/health/live" }).end();
    await new Promise((resolve) =>
      plain.on("error", resolve).on("response", () => assert.fail("it was answered")),
    );
    const line =
      /"code":"ERR_SSL_HTTP_REQUEST","peer":"127.0.0.1","message":"TLS handshake failed"/;
    await until("the log tells it", () => line.test(gateway.logs()));
    assert.equal((await send(gateway.url, { ...ASK, ca })).status, 200);
  });

  test("a client that does not trust the certificate is told in the log", async () => {
    const { host } = new URL(gateway.url);
    // Node's own clients just hang up; others say why.
    const client = ["s_client", "-connect", host, "-verify_return_error", "-no-CAfile"];
    assert.notEqual(spawnSync("openssl", client, { input: "" }).status, 0);
    const line = /"code":"ERR_SSL_TLSV1_ALERT_UNKNOWN_CA".*"TLS handshake failed"/;
    await until("the log tells it", () => line.test(gateway.logs()));
  });

  test("a new certificate is for new connections; a running stream keeps its own", async () => {
    upstream.answerWith(() => SLOW);
    const running = startStream();
    const socket = await running.socket;
    assert.equal(await presented(), fingerprintOf(first!.cert));
    files.put(second!);
    await until(
      "the new one is presented",
      async () => (await presented()) === fingerprintOf(second!.cert),
    );
    assert.equal(socket.destroyed, false, "the stream has outlived the change");
    assert.match(await running.body, /event: message_stop/);
    assert.match(gateway.logs(), /certificate in force/);
    assert.equal(await configurationFault(), null);
  });

  test("a broken certificate keeps the old one, says why, and is over once mended", async () => {
    upstream.answerWith(() => SLOW);
    const running = startStream();
    await running.socket;
    files.put({ cert: second!.cert, key: first!.key });
    await until("the fault is told", async () => (await configurationFault()) !== null);
    const sentence = /server\.key cannot be used with .*server\.pem \(key values mismatch\)/;
    assert.match(String(await configurationFault()), sentence);
    assert.match(gateway.logs(), /certificate kept: /);
    assert.equal(await presented(), fingerprintOf(first!.cert));
    assert.match(await running.body, /event: message_stop/);
    files.put(second!);
    await until("the fault is over", async () => (await configurationFault()) === null);
    assert.equal(await presented(), fingerprintOf(second!.cert));
  });

  test("SIGHUP with a broken pair keeps the configuration; other files are taken", async () => {
    const other = pairFiles(second!);
    writeFileSync(files.keyFile, "");
    gateway.process().kill("SIGHUP");
    await until("it is told", () => /configuration kept: .*server\.tls\.key/.test(gateway.logs()));
    assert.equal(await presented(), fingerprintOf(first!.cert));
    writeFileSync(gateway.configFile, JSON.stringify(configOf(other)));
    gateway.process().kill("SIGHUP");
    await until(
      "the other pair is presented",
      async () => (await presented()) === fingerprintOf(second!.cert),
    );
    assert.equal(await configurationFault(), null);
    other.remove();
  });

  test("TLS that the file no longer has goes on until the next start, which is told", async () => {
    writeFileSync(gateway.configFile, JSON.stringify(smallConfig(upstream.url)));
    await until("it is told", () => /takes effect at the next start/.test(gateway.logs()));
    assert.equal((await send(gateway.url, { ...ASK, ca })).status, 200);
  });

  test("the container's health check finds the gateway behind TLS, and tells where none is", () => {
    const check = (listen: string) =>
      spawnSync(process.execPath, ["deploy/healthcheck.ts"], {
        cwd: join(import.meta.dirname, "../.."),
        env: { TOLLGATE_LISTEN: listen },
        encoding: "utf8",
      });
    const ready = check(`0.0.0.0:${new URL(gateway.url).port}`);
    assert.deepEqual([ready.status, ready.stderr], [0, ""]);
    assert.match(ready.stdout, /"status":"ready"/);
    const none = check("0.0.0.0:1");
    assert.equal(none.status, 1);
    assert.match(none.stdout, /ECONNREFUSED/);
  });

  test("SIGTERM lets a stream over TLS end, then exits with 0", async () => {
    upstream.answerWith(() => ({ ...text("x".repeat(720)), delivery: { eventDelayMs: 25 } }));
    const running = startStream();
    await running.socket;
    const code = gateway.stop();
    assert.match(await running.body, /event: message_stop/);
    assert.equal(await code, 0, gateway.logs());
  });
});

describe("a pair that does not fit at the start", { skip: NEEDS_OPENSSL }, () => {
  test("is one line with its place, and exit code 78", async (context) => {
    const [first, second] = twoPairs();
    const files = pairFiles({ cert: first.cert, key: second.key });
    context.after(files.remove);
    const folder = freshFolder();
    const { cert, key } = tlsOf(files);
    const yaml = `server:\n  tls:\n    cert: ${cert}\n    key: ${key}\n`;
    writeFileSync(`${folder}/tollgate.yaml`, yaml);
    for (const verb of ["serve", "check"]) {
      const { code, err } = await runCli(folder, [verb]);
      assert.equal(code, 78);
      const [line = "", ...more] = linesOf(err);
      assert.deepEqual(more, []);
      assert.match(line, /^tollgate\.yaml:4:10 server\.tls\.key: .*key values mismatch/);
    }
  });
});

function tlsOf({ certFile, keyFile }: PairFiles) {
  return { cert: `file:${certFile}`, key: `file:${keyFile}` };
}
