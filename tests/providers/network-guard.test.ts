import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import type { Resolve } from "../../src/providers/network/guard.ts";
import { createUndiciClient } from "../../src/providers/undici-client.ts";
import { hasOpenssl, makeAuthority } from "./certificates.ts";
import {
  answering,
  assertFailure,
  closeAtEnd,
  describeClients,
  serverWith,
  tlsServer,
} from "./implementations.ts";
import type { RawServer } from "./raw-server.ts";
import { onRequests, REQUEST, start, textOf } from "./raw-server.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** Answers each question with the next list of addresses, the last one again and again. */
function scripted(...answers: readonly (readonly string[])[]): Resolve & { asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = (host) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(host);
    const listed = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    return Promise.resolve(listed);
  };
  return Object.assign(resolve, { asked });
}

function named(server: RawServer, name = "provider.example"): string {
  return `http://${name}:${server.port}`;
}

describeClients(({ clientWith, exchange }) => {
  test("a name that leads to this machine needs leave", async () => {
    const server = await answering(OK);
    const client = clientWith({ resolve: scripted(["127.0.0.1"]) });
    const told = await exchange(named(server), {}, client);
    assertFailure(told, "refused", false);
    assert.match(
      told.failure?.detail ?? "",
      /provider\.example resolves to 127\.0\.0\.1, a loopback/,
    );
    assert.match(told.failure?.detail ?? "", /allow_private_network: true/);
    assert.equal(server.accepted(), 0);
    const allowed = await exchange(named(server), { allowPrivateNetwork: true }, client);
    assert.equal(textOf(allowed), "ok");
    assertFailure(await exchange(named(server), {}, client), "refused", false);
    assert.equal(server.accepted(), 1, "the open connection serves nobody without leave");
  });

  for (const address of [
    "10.0.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.1.1",
    "fd00::1",
    "::1",
  ]) {
    test(`a name that leads to ${address} is refused without leave`, async () => {
      const client = clientWith({ resolve: scripted([address]) });
      const told = await exchange("http://provider.example", {}, client);
      assertFailure(told, "refused", false);
      assert.ok(told.failure?.detail.includes(address), told.failure?.detail);
    });
  }

  for (const address of ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.170.2"]) {
    test(`a name that leads to ${address} is refused with and without leave`, async () => {
      for (const allowPrivateNetwork of [false, true]) {
        const client = clientWith({ resolve: scripted([address]) });
        const told = await exchange("http://provider.example", { allowPrivateNetwork }, client);
        assertFailure(told, "refused", false);
        assert.match(told.failure?.detail ?? "", /metadata service, which is never called/);
      }
    });
  }

  for (const host of [
    "169.254.169.254",
    "2852039166",
    "0xa9.0xfe.0xa9.0xfe",
    "169.254.170.2",
    "100.100.100.200",
    "[fd00:ec2::254]",
    "[::ffff:169.254.169.254]",
    "metadata.google.internal",
    "Metadata",
  ]) {
    test(`${host} is refused as written, unresolved`, async () => {
      const resolve = scripted(["127.0.0.1"]);
      for (const scheme of ["http", "https"]) {
        const overrides = { allowPrivateNetwork: true };
        const client = clientWith({ resolve });
        assertFailure(await exchange(`${scheme}://${host}`, overrides, client), "refused", false);
      }
      assert.deepEqual(resolve.asked, []);
    });
  }

  test("an address is called as written, and so is localhost", async () => {
    const server = await answering(OK);
    const resolve = scripted(["127.0.0.1"]);
    const client = clientWith({ resolve });
    assert.equal(textOf(await exchange(server, {}, client)), "ok");
    assert.deepEqual(resolve.asked, []);
    assert.equal(textOf(await exchange(named(server, "localhost"), {}, client)), "ok");
    assertFailure(await exchange(named(server, "a.localhost"), {}, client), "refused", false);
  });

  test("localhost that leads to a metadata service is refused", async () => {
    const client = clientWith({ resolve: scripted(["169.254.169.254"]) });
    assertFailure(await exchange("http://localhost", {}, client), "refused", false);
  });

  test("of several addresses only those that may be called are tried", async () => {
    const server = await answering(OK);
    const reached = scripted(["169.254.169.254", "127.0.0.1"]);
    const overrides = { allowPrivateNetwork: true };
    const client = clientWith({ resolve: reached });
    assert.equal(textOf(await exchange(named(server), overrides, client)), "ok");
    const unreached = clientWith({ resolve: scripted(["127.0.0.1", "10.0.0.1"]) });
    assertFailure(await exchange(named(server), {}, unreached), "refused", false);
    assert.equal(server.accepted(), 1);
  });

  test("a name is asked once a connection, and what was checked is connected to", async () => {
    const server = await answering(OK, "end");
    const elsewhere = createServer((socket) => socket.destroy()).listen(server.port, "127.0.0.2");
    await once(elsewhere, "listening");
    closeAtEnd(() => new Promise((resolve) => elsewhere.close(resolve)));
    let strangers = 0;
    elsewhere.on("connection", () => (strangers += 1));
    const resolve = scripted(["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"]);
    const client = clientWith({ resolve });
    const overrides = { allowPrivateNetwork: true };
    assert.equal(textOf(await exchange(named(server), overrides, client)), "ok");
    assert.deepEqual([resolve.asked.length, server.accepted(), strangers], [1, 1, 0]);
    assert.notEqual((await exchange(named(server), overrides, client)).failure, null);
    assert.deepEqual([resolve.asked.length, server.accepted(), strangers], [2, 1, 1]);
    assertFailure(await exchange(named(server), overrides, client), "refused", false);
    assert.deepEqual([resolve.asked.length, server.accepted(), strangers], [3, 1, 1]);
  });

  test("a name without an address, and a resolver that fails", async () => {
    const none = await exchange("http://no.example", {}, clientWith({ resolve: scripted([]) }));
    assertFailure(none, "refused", false);
    const resolve: Resolve = () => Promise.reject(new Error("the resolver is gone"));
    const broken = await exchange("http://no.example", {}, clientWith({ resolve }));
    assertFailure(broken, "refused", false);
    assert.match(broken.failure?.detail ?? "", /the resolver is gone/);
  });

  test("a redirect is an answer like any other", async () => {
    const elsewhere = await answering(OK);
    const head = `HTTP/1.1 307 Temporary Redirect\r\nlocation: ${elsewhere.origin}/\r\n`;
    const server = await answering(`${head}content-length: 0\r\n\r\n`);
    const told = await exchange(server);
    assert.equal(told.status, 307);
    assert.equal(elsewhere.accepted(), 0);
  });

  const skip = hasOpenssl() || process.env["CI"] === "true" ? false : "openssl is not installed";
  test("over TLS the certificate is still asked for the name", { skip }, async () => {
    const authority = makeAuthority();
    const { origin, connections } = await tlsServer(authority);
    const resolve = scripted(["127.0.0.1"]);
    const client = clientWith({ resolve, caPem: authority.caPem });
    const asName = origin.replace("127.0.0.1", "localhost");
    assert.equal(textOf(await exchange(asName, {}, client)), "secure 1.1");
    assert.deepEqual([resolve.asked, connections[0]?.servername], [["localhost"], "localhost"]);
    const other = origin.replace("127.0.0.1", "other.example");
    assertFailure(await exchange(other, { allowPrivateNetwork: true }, client), "refused", false);
    assertFailure(await exchange(other, {}, client), "refused", false);
  });
});

test("behind a proxy a name is the proxy's to resolve; a metadata host is refused", async () => {
  const seen: string[] = [];
  const proxy = await serverWith((socket) =>
    onRequests(socket, (head) => {
      seen.push(head.split("\r\n")[0] ?? "");
      socket.write(OK);
    }),
  );
  const resolve = scripted(["127.0.0.1"]);
  const client = createUndiciClient({
    connectTimeoutMs: 2_000,
    outbound: { proxyUrl: proxy.origin, caPem: null },
    maxConnectionsPerOrigin: 4,
    resolve,
  });
  closeAtEnd(() => client.close());
  const ask = (origin: string) => start(client, { ...REQUEST, origin }).over;
  assert.equal(textOf(await ask("http://provider.example")), "ok");
  for (const host of ["169.254.169.254", "metadata.google.internal", "[fd00:ec2::254]"])
    assertFailure(await ask(`http://${host}`), "refused", false);
  assert.deepEqual(seen, ["POST http://provider.example/v1/messages?beta=true HTTP/1.1"]);
  assert.deepEqual(resolve.asked, []);
});
