import assert from "node:assert/strict";
import type { Server } from "node:https";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { connect } from "node:net";
import { after, test } from "node:test";
import { createUndiciClient } from "../../src/providers/undici-client.ts";
import type { UpstreamClient } from "../../src/providers/upstream.ts";
import type { TestAuthority } from "./certificates.ts";
import { hasOpenssl, makeAuthority } from "./certificates.ts";
import type { RawServer, Told } from "./raw-server.ts";
import { onRequests, rawServer, REQUEST, start, textOf } from "./raw-server.ts";

const closers: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closers.reverse()) await close();
});

function clientWith(proxyUrl: string | null, caPem: string | null): UpstreamClient {
  const client = createUndiciClient({
    connectTimeoutMs: 300,
    outbound: { proxyUrl, caPem },
    maxConnectionsPerOrigin: 4,
  });
  closers.push(() => client.close());
  return client;
}

async function serverWith(onSocket: (socket: Socket) => void): Promise<RawServer> {
  const server = await rawServer(onSocket);
  closers.push(() => server.close());
  return server;
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

test("an authority that is no certificate is told at once", () => {
  assert.throws(() => clientWith(null, "nonsense"), /outbound\.ca holds no PEM certificate/);
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  assert.throws(() => clientWith(null, broken), /outbound\.ca: certificate 1 cannot be read/);
});

const openssl = hasOpenssl();
const skip = openssl || process.env["CI"] === "true" ? false : "openssl is not installed";

async function tlsServer(authority: TestAuthority): Promise<string> {
  const { cert, key } = authority;
  const server: Server = createServer({ cert, key }, (request, response) => {
    request.resume().on("end", () => response.end(`secure ${request.httpVersion}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test(
  "a private authority is trusted where it is configured, and only there",
  { skip },
  async () => {
    const authority = makeAuthority();
    const origin = await tlsServer(authority);
    assert.equal(textOf(await ask(clientWith(null, authority.caPem), origin)), "secure 1.1");
    for (const caPem of [null, makeAuthority().caPem]) {
      const { failure } = await ask(clientWith(null, caPem), origin);
      assert.deepEqual([failure?.kind, failure?.sent], ["refused", false], failure?.detail);
    }
  },
);

test("several authorities in one file are all trusted", { skip }, async () => {
  const [first, second] = [makeAuthority(), makeAuthority()];
  const client = clientWith(null, `# corporate\n${first.caPem}\n${second.caPem}`);
  for (const authority of [first, second]) {
    assert.equal(textOf(await ask(client, await tlsServer(authority))), "secure 1.1");
  }
});

test("a certificate for another name is refused", { skip }, async () => {
  const authority = makeAuthority();
  const origin = (await tlsServer(authority)).replace("127.0.0.1", "127.0.0.2");
  const { failure } = await ask(clientWith(null, authority.caPem), origin);
  assert.deepEqual([failure?.kind, failure?.sent], ["refused", false], failure?.detail);
});

test("an https upstream is reached through CONNECT, and checked behind it", { skip }, async () => {
  const authority = makeAuthority();
  const origin = await tlsServer(authority);
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
