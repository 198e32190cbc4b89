import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hasOpenssl, makeAuthority } from "./certificates.ts";
import { assertFailure, describeClients, tlsServer } from "./implementations.ts";
import { textOf } from "./raw-server.ts";

const skip = hasOpenssl() || process.env["CI"] === "true" ? false : "openssl is not installed";

describeClients(({ clientWith, exchange }) => {
  test("an authority that is no certificate is told at once", () => {
    assert.throws(() => clientWith({ caPem: "nonsense" }), /outbound\.ca holds no PEM certificate/);
    const caPem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert.throws(() => clientWith({ caPem }), /outbound\.ca: certificate 1 cannot be read/);
  });

  test("a private authority is trusted where configured, and only there", { skip }, async () => {
    const authority = makeAuthority();
    const { origin } = await tlsServer(authority);
    const client = clientWith({ caPem: authority.caPem });
    assert.equal(textOf(await exchange(origin, {}, client)), "secure 1.1");
    for (const caPem of [null, makeAuthority().caPem]) {
      assertFailure(await exchange(origin, {}, clientWith({ caPem })), "refused", false);
    }
  });

  test("several authorities in one file are all trusted", { skip }, async () => {
    const [first, second] = [makeAuthority(), makeAuthority()];
    const client = clientWith({ caPem: `# corporate\n${first.caPem}\n${second.caPem}` });
    for (const authority of [first, second]) {
      const { origin } = await tlsServer(authority);
      assert.equal(textOf(await exchange(origin, {}, client)), "secure 1.1");
    }
  });

  test("a certificate for another name is refused", { skip }, async () => {
    const authority = makeAuthority();
    const { origin } = await tlsServer(authority);
    const client = clientWith({ caPem: authority.caPem });
    const told = await exchange(origin.replace("127.0.0.1", "127.0.0.2"), {}, client);
    assertFailure(told, "refused", false);
  });

  test("a name is asked for, an address is not; HTTP/1.1 is agreed on", { skip }, async () => {
    const authority = makeAuthority();
    const { origin, connections } = await tlsServer(authority);
    const named = origin.replace("127.0.0.1", "localhost");
    for (const one of [origin, named]) {
      const client = clientWith({ caPem: authority.caPem });
      assert.equal(textOf(await exchange(one, {}, client)), "secure 1.1");
    }
    assert.deepEqual(
      connections.map(({ alpn, servername }) => [alpn, servername]),
      [
        ["http/1.1", "false"],
        ["http/1.1", "localhost"],
      ],
    );
  });

  test("a connection is kept; the next one resumes its session", { skip }, async () => {
    const authority = makeAuthority();
    const server = await tlsServer(authority, (request, response) => {
      if (request.url === "/close") response.setHeader("connection", "close");
      request.resume().on("end", () => response.end("ok"));
    });
    // By its name: undici keeps no session for an address.
    const origin = server.origin.replace("127.0.0.1", "localhost");
    const client = clientWith({ caPem: authority.caPem, maxConnectionsPerOrigin: 1 });
    for (const path of ["/", "/", "/close", "/"]) {
      assert.equal(textOf(await exchange(origin, { path }, client)), "ok");
      await sleep(2);
    }
    assert.deepEqual(
      server.connections.map(({ resumed }) => resumed),
      [false, true],
    );
  });

  for (const sizes of [
    [7],
    [3, 4],
    [70_000, 0, 5],
    [400_000],
    Array(30).fill(60_000),
  ] as number[][]) {
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    test(`a body of ${bytes} bytes in ${sizes.length} arrives whole`, { skip }, async () => {
      const authority = makeAuthority();
      const { origin } = await tlsServer(authority, (request, response) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => response.end(Buffer.concat(chunks)));
      });
      const body = sizes.map((size, index) => Buffer.alloc(size, 97 + (index % 26)));
      const client = clientWith({ caPem: authority.caPem });
      const told = await exchange(origin, { body }, client);
      assert.ok(Buffer.concat(told.chunks).equals(Buffer.concat(body)));
    });
  }

  test("a cut upload is certain not to be sent; a whole one may have been", { skip }, async () => {
    const authority = makeAuthority();
    const { origin } = await tlsServer(authority, (request) => {
      request.pause();
      setTimeout(() => request.socket.destroy(), 50);
    });
    const client = clientWith({ caPem: authority.caPem });
    const large = Array.from({ length: 64 }, () => Buffer.alloc(1_000_000));
    assertFailure(await exchange(origin, { body: large }, client), "reset", false);
    assertFailure(await exchange(origin, {}, client), "reset", true);
  });
});
