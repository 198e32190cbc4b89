import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answering, assertFailure, describeClients, serverWith } from "./implementations.ts";
import { onRequests, textOf } from "./raw-server.ts";

describeClients(({ clientWith, exchange }) => {
  test("an answer comes in order, with lower-case and joined headers", async () => {
    const server = await answering(
      "HTTP/1.1 200 OK\r\nX-One: a\r\nx-one: b\r\nRequest-Id: req_1\r\n" +
        "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    );
    const told = await exchange(server);
    assert.deepEqual(told.order, ["sent", "head", "data", "end"]);
    assert.equal(told.status, 200);
    assert.equal(told.headers["x-one"], "a, b");
    assert.equal(told.headers["request-id"], "req_1");
    assert.equal(textOf(told), "hello world");
  });

  test("an answer without framing ends with its connection", async () => {
    const told = await exchange(await answering("HTTP/1.1 200 OK\r\n\r\nwhole", "end"));
    assert.deepEqual(told.order, ["sent", "head", "data", "end"]);
    assert.equal(textOf(told), "whole");
  });

  for (const sizes of [[], [0], [7], [3, 4], [10_000, 0, 10_000], [65_536, 65_536, 5], [400_000]]) {
    test(`a body of ${JSON.stringify(sizes)} bytes arrives whole, with its length`, async () => {
      const chunks = sizes.map((bytes, index) => Buffer.alloc(bytes, 97 + index));
      const before = Buffer.concat(chunks);
      const seen: { head: string; body: Buffer }[] = [];
      const server = await serverWith((socket) =>
        onRequests(socket, (head, body) => {
          seen.push({ head, body });
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }),
      );
      const told = await exchange(server, { body: chunks });
      assert.equal(textOf(told), "ok");
      const [request] = seen;
      assert.ok(request !== undefined && request.body.equals(before));
      assert.match(request.head, new RegExp(`content-length: ${before.length}(\r\n|$)`));
      assert.match(request.head, /^POST \/v1\/messages\?beta=true HTTP\/1\.1\r\n/);
      assert.ok(Buffer.concat(chunks).equals(before), "the caller's buffers are not changed");
    });
  }

  test("GET and HEAD carry no body and no length", async () => {
    const heads: string[] = [];
    const server = await serverWith((socket) =>
      onRequests(socket, (head) => {
        heads.push(head);
        const body = head.startsWith("HEAD") ? "" : "ok";
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n${body}`);
      }),
    );
    assert.equal(textOf(await exchange(server, { method: "GET", body: null })), "ok");
    assert.deepEqual((await exchange(server, { method: "HEAD", body: null })).order, [
      "sent",
      "head",
      "end",
    ]);
    for (const head of heads) assert.doesNotMatch(head, /content-length|transfer-encoding/i);
  });

  test("a caller's framing and host headers are not sent", async () => {
    let seen = "";
    const server = await serverWith((socket) =>
      onRequests(socket, (head) => {
        seen = head;
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      }),
    );
    const headers = {
      host: "elsewhere.example",
      "content-length": "999",
      "transfer-encoding": "chunked",
      connection: "close",
      "x-kept": "1",
    };
    assert.equal((await exchange(server, { headers })).status, 200);
    assert.match(seen, new RegExp(`host: 127.0.0.1:${server.port}`));
    assert.match(seen, /content-length: 7/);
    assert.match(seen, /x-kept: 1/);
    assert.doesNotMatch(seen, /elsewhere|999|chunked|connection: close/);
  });

  test("informational answers are passed over", async () => {
    const server = await answering(
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    const told = await exchange(server);
    assert.deepEqual(told.order, ["sent", "head", "data", "end"]);
    assert.equal(told.status, 200);
  });

  test("a connection with an upload left unfinished is not used again", async () => {
    const paths: string[] = [];
    const server = await serverWith((socket) => {
      socket.once("data", (bytes) => {
        paths.push(bytes.toString("latin1").split(" ")[1] ?? "");
        socket.pause();
        socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
      });
    });
    const client = clientWith({ maxConnectionsPerOrigin: 1 });
    const body = Array.from({ length: 64 }, () => Buffer.alloc(1_000_000));
    assert.equal(textOf(await exchange(server, { path: "/1", body }, client)), "big");
    assert.equal(textOf(await exchange(server, { path: "/2" }, client)), "big");
    assert.deepEqual(paths, ["/1", "/2"]);
    assert.equal(server.accepted(), 2);
  });

  test("an early answer to a large upload is delivered", async () => {
    const server = await serverWith((socket) => {
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig");
      });
    });
    const body = Array.from({ length: 64 }, () => Buffer.alloc(1_000_000));
    const told = await exchange(server, { body });
    assert.equal(told.status, 413);
    assert.equal(textOf(told), "big");
    assert.equal(told.order.at(-1), "end");
  });

  test("connections are kept and used again", async () => {
    const server = await answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    const client = clientWith();
    for (let round = 0; round < 20; round++) {
      assert.equal((await exchange(server, {}, client)).status, 200);
      await sleep(2);
    }
    assert.ok(server.accepted() <= 2, `${server.accepted()} connections for 20 requests in a row`);
  });

  test("bytes on an idle connection close it: the next answer could not be told from them", async () => {
    const closed = Promise.withResolvers<void>();
    const server = await serverWith((socket) => {
      socket.on("close", () => closed.resolve());
      onRequests(socket, (head) => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        if (!head.includes("/first")) return;
        setTimeout(() => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"), 20);
      });
    });
    const client = clientWith();
    assert.equal(textOf(await exchange(server, { path: "/first" }, client)), "ok");
    await closed.promise;
    assert.equal(textOf(await exchange(server, {}, client)), "ok");
  });

  test("an idle connection is closed before the time that the upstream announces", async () => {
    const closed = Promise.withResolvers<number>();
    const server = await serverWith((socket) => {
      socket.on("end", () => closed.resolve(server.open()));
      onRequests(socket, () => {
        socket.write("HTTP/1.1 200 OK\r\nkeep-alive: timeout=2\r\ncontent-length: 2\r\n\r\nok");
      });
    });
    const begunMs = performance.now();
    assert.equal((await exchange(server)).status, 200);
    await closed.promise;
    assert.ok(performance.now() - begunMs < 2_000);
  });

  test("a kept connection that is reset counts as sent, and is not tried again", async () => {
    let requests = 0;
    const server = await serverWith((socket) =>
      onRequests(socket, () => {
        requests += 1;
        if (requests === 1) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        else socket.resetAndDestroy();
      }),
    );
    const client = clientWith();
    assert.equal((await exchange(server, {}, client)).status, 200);
    assertFailure(await exchange(server, {}, client), "reset", true);
    assert.equal(requests, 2);
  });

  test("a kept connection that was closed in between is not used", async () => {
    const server = await serverWith((socket) =>
      onRequests(socket, () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")),
    );
    const client = clientWith();
    for (let round = 0; round < 10; round++) {
      assert.equal((await exchange(server, {}, client)).status, 200);
    }
  });

  test("no more connections than allowed; the rest wait their turn", async () => {
    let most = 0;
    const server = await serverWith((socket) =>
      onRequests(socket, () => {
        most = Math.max(most, server.open());
        setTimeout(() => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), 5);
      }),
    );
    const client = clientWith({ maxConnectionsPerOrigin: 3 });
    const all = await Promise.all(Array.from({ length: 30 }, () => exchange(server, {}, client)));
    assert.ok(all.every((told) => textOf(told) === "ok"));
    assert.equal(most, 3);
  });
});
