import assert from "node:assert/strict";
import { test } from "node:test";
import { answering, assertFailure, describeClients, serverWith } from "./implementations.ts";
import { onRequests, rawServer, REQUEST, start, textOf } from "./raw-server.ts";

describeClients(({ clientWith, exchange }) => {
  test("a refused connection was not sent", async () => {
    const server = await rawServer(() => {});
    await server.close();
    assertFailure(await exchange(server), "refused", false);
  });

  test("a host without address was not sent", async () => {
    assertFailure(await exchange("http://nowhere.invalid"), "refused", false);
  });

  test("an origin that is no URL is a failure", async () => {
    const told = await exchange("not a url");
    assert.equal(told.failure?.sent, false);
    assert.deepEqual(told.order, ["sent", "failure"]);
  });

  test("a TLS handshake that the other side breaks was not sent", async () => {
    const server = await serverWith((socket) => socket.once("data", () => socket.destroy()));
    assertFailure(await exchange(`https://127.0.0.1:${server.port}`), "refused", false);
  });

  test("a TLS handshake that never ends is a connect time-out", async () => {
    const server = await serverWith(() => {});
    const client = clientWith({ connectTimeoutMs: 200 });
    const told = await exchange(`https://127.0.0.1:${server.port}`, {}, client);
    assertFailure(told, "connect_timeout", false);
  });

  for (const [name, value] of [
    ["x-evil", "a\r\nx-injected: 1"],
    ["x-evil", "a\nb"],
    ["x-evil", "a\0b"],
    ["x-evil", "€"],
    ["x evil", "a"],
    ["x-evil\r\nx-injected", "a"],
  ] as const) {
    test(`header ${JSON.stringify(name)}: ${JSON.stringify(value)} fails, and nothing is sent`, async () => {
      let bytes = 0;
      const server = await serverWith((socket) =>
        socket.on("data", (data) => (bytes += data.length)),
      );
      const told = await exchange(server, { headers: { [name]: value } });
      assertFailure(told, "protocol", false);
      assert.deepEqual(told.order, ["sent", "failure"]);
      assert.equal(bytes, 0);
    });
  }

  test("a path with white space fails, and nothing is sent", async () => {
    const told = await exchange("http://127.0.0.1:1", { path: "/v1 HTTP/1.1\r\nx: y" });
    assertFailure(told, "protocol", false);
  });

  test("a reset before any byte of the answer counts as sent", async () => {
    const server = await serverWith((socket) => onRequests(socket, () => socket.resetAndDestroy()));
    assertFailure(await exchange(server), "reset", true);
    assert.equal(server.accepted(), 1, "and is not tried again");
  });

  test("a close before any byte of the answer counts as sent", async () => {
    const server = await serverWith((socket) => onRequests(socket, () => socket.end()));
    for (const method of ["POST", "GET"] as const) {
      const told = await exchange(server, { method, body: method === "GET" ? null : REQUEST.body });
      assertFailure(told, "reset", true);
    }
    assert.equal(server.accepted(), 2, "one connection for each: nothing is tried again");
  });

  test("a reset before the whole request was handed over is certain not to be sent", async () => {
    const server = await serverWith((socket) => {
      socket.pause();
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    const body = Array.from({ length: 64 }, () => Buffer.alloc(1_000_000));
    const told = await exchange(server, { body });
    assertFailure(told, "reset", false);
  });

  const TRUNCATED = {
    "content-length": "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npartial",
    "content-length of a closing connection":
      "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\npartial",
    chunked: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\npartial\r\n",
    "chunked, in a chunk": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\npartial",
    "chunked of a closing connection":
      "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n64\r\npartial",
  };

  for (const [framing, bytes] of Object.entries(TRUNCATED)) {
    for (const then of ["end", "cut"] as const) {
      test(`a body cut short (${framing}, ${then}) is a reset after what came`, async () => {
        const told = await exchange(await answering(bytes, then));
        assertFailure(told, "reset", true);
        assert.deepEqual(told.order, ["sent", "head", "data", "failure"]);
        assert.equal(textOf(told), "partial");
      });
    }
  }

  for (const [what, bytes] of Object.entries({
    "no HTTP": "SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "two different lengths": "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nok",
    "length and chunks":
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "headers without end": `HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}`,
  })) {
    test(`an answer with ${what} is a protocol failure after sending`, async () => {
      const told = await exchange(await answering(bytes));
      assertFailure(told, "protocol", true);
    });
  }

  test("a listener that throws ends its exchange with a failure", async () => {
    const server = await answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    const failure = Promise.withResolvers<string>();
    clientWith().send(
      { ...REQUEST, origin: server.origin },
      {
        onHead: () => {
          throw new Error("listener broke");
        },
        onData: () => failure.reject(new Error("data after a failure")),
        onEnd: () => failure.reject(new Error("end after a failure")),
        onFailure: ({ kind, detail }) => failure.resolve(`${kind} ${detail}`),
      },
    );
    assert.equal(await failure.promise, "protocol listener broke");
  });

  test("close ends open exchanges with a reset, and refuses later ones", async () => {
    const server = await answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx");
    const client = clientWith();
    const running = start(client, { ...REQUEST, origin: server.origin });
    await running.head;
    await client.close();
    assertFailure(await running.over, "reset", true);
    assertFailure(await exchange(server, {}, client), "refused", false);
  });
});
