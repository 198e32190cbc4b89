import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { createUndiciClient } from "../../src/providers/undici-client.ts";
import type { UpstreamClient } from "../../src/providers/upstream.ts";
import { hasOpenssl, makeAuthority } from "./certificates.ts";
import { closeAtEnd, serverWith, tlsServer } from "./implementations.ts";
import type { RawServer, Told } from "./raw-server.ts";
import { onRequests, rawServer, REQUEST, start, textOf } from "./raw-server.ts";

function clientWith(proxyUrl: string | null, caPem: string | null): UpstreamClient {
  const client = createUndiciClient({
    connectTimeoutMs: 300,
    outbound: { proxyUrl, caPem },
    maxConnectionsPerOrigin: 4,
  });
  closeAtEnd(() => client.close());
  return client;
}

function ask(client: UpstreamClient, origin: string): Promise<Told> {
  return start(client, { ...REQUEST, origin }).over;
}

/** A proxy that joins the two ends after CONNECT, and answers every other request itself. */
function connectProxy(seen: string[], status = 200): Promise<RawServer> {
  return serverWith((socket) =>
    onRequests(socket, (head) => {
      seen.push(head);
      const target = /^CONNECT ([^:]+):(\d+) /.exec(head);
      if (target === null) {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nforwarded");
        return;
      }
      socket.removeAllListeners("data");
      socket.write(`HTTP/1.1 ${status} Answer\r\n\r\n`);
      if (status !== 200) return;
      const upstream = connect(Number(target[2]), target[1]);
      upstream.on("error", () => socket.destroy()).on("close", () => socket.destroy());
      socket.on("close", () => upstream.destroy());
      socket.pipe(upstream).pipe(socket);
    }),
  );
}

test("an http upstream is asked through the proxy in absolute form", async () => {
  const seen: string[] = [];
  const proxy = await connectProxy(seen);
  const client = clientWith(`http://ada:s3cret@127.0.0.1:${proxy.port}`, null);
  assert.equal(textOf(await ask(client, "http://upstream.invalid")), "forwarded");
  assert.match(
    seen[0] ?? "",
    /^POST http:\/\/upstream\.invalid\/v1\/messages\?beta=true HTTP\/1\.1/,
  );
  assert.match(seen[0] ?? "", /\r\nhost: upstream\.invalid(\r\n|$)/);
  assert.match(seen[0] ?? "", new RegExp(`proxy-authorization: Basic ${btoa("ada:s3cret")}`));
});

for (const status of [403, 407, 502]) {
  test(`a proxy that answers CONNECT with ${status} is a refused connection`, async () => {
    const proxy = await connectProxy([], status);
    const client = clientWith(`http://ada:s3cret@127.0.0.1:${proxy.port}`, null);
    const { failure } = await ask(client, "https://upstream.invalid");
    assert.equal(failure?.kind, "refused");
    assert.equal(failure.sent, false);
    assert.match(failure.detail, new RegExp(String(status)));
    assert.doesNotMatch(failure.detail, /s3cret/);
  });
}

test("a proxy that wants other credentials for an http upstream refuses the connection", async () => {
  const proxy = await serverWith((socket) =>
    onRequests(socket, () => {
      socket.write("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 4\r\n\r\nauth");
    }),
  );
  const told = await ask(clientWith(proxy.origin, null), "http://upstream.invalid");
  assert.deepEqual([told.failure?.kind, told.failure?.sent], ["refused", false]);
  assert.deepEqual(told.order, ["sent", "failure"]);
});

test("a proxy that is not there is a refused connection", async () => {
  const gone = await rawServer(() => {});
  await gone.close();
  const { failure } = await ask(clientWith(gone.origin, null), "https://upstream.invalid");
  assert.deepEqual([failure?.kind, failure?.sent], ["refused", false]);
});

test("a proxy that closes instead of answering CONNECT is a refused connection", async () => {
  const proxy = await serverWith((socket) => onRequests(socket, () => socket.destroy()));
  const { failure } = await ask(clientWith(proxy.origin, null), "https://upstream.invalid");
  assert.deepEqual([failure?.kind, failure?.sent], ["refused", false]);
  assert.equal(proxy.accepted(), 1);
});

test("a proxy that never answers CONNECT is a connect time-out", async () => {
  const proxy = await serverWith(() => {});
  const { failure } = await ask(clientWith(proxy.origin, null), "https://upstream.invalid");
  assert.deepEqual([failure?.kind, failure?.sent], ["connect_timeout", false]);
});

const openssl = hasOpenssl();
const skip = openssl || process.env["CI"] === "true" ? false : "openssl is not installed";

test("an https upstream is reached through CONNECT, and checked behind it", { skip }, async () => {
  const authority = makeAuthority();
  const { origin } = await tlsServer(authority);
  const seen: string[] = [];
  const proxy = await connectProxy(seen);
  const client = clientWith(`http://ada:s3cret@127.0.0.1:${proxy.port}`, authority.caPem);
  for (let round = 0; round < 3; round++) {
    assert.equal(textOf(await ask(client, origin)), "secure 1.1");
  }
  assert.ok(seen.length <= 2, "tunnels are kept and used again");
  assert.match(seen[0] ?? "", new RegExp(`^CONNECT ${origin.slice("https://".length)} HTTP/1\\.1`));
  assert.match(seen[0] ?? "", /proxy-authorization: Basic /i);
  assert.doesNotMatch(seen[0] ?? "", /sk-test/, "the provider's key stays inside the tunnel");
  const { failure } = await ask(clientWith(proxy.origin, null), origin);
  assert.deepEqual([failure?.kind, failure?.sent], ["refused", false], failure?.detail);
});
