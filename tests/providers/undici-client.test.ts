import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { UndiciClientOptions } from "../../src/providers/undici-client.ts";
import { createUndiciClient } from "../../src/providers/undici-client.ts";
import type { UpstreamClient, UpstreamRequest } from "../../src/providers/upstream.ts";
import type { RawServer, Told } from "./raw-server.ts";
import { onRequests, rawServer, REQUEST, start, textOf } from "./raw-server.ts";

const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.reverse()) await close();
});

function clientWith(options: Partial<UndiciClientOptions> = {}): UpstreamClient {
  const client = createUndiciClient({
    connectTimeoutMs: 2_000,
    outbound: { proxyUrl: null, caPem: null },
    maxConnectionsPerOrigin: 4,
    ...options,
  });
  closers.push(() => client.close());
  return client;
}

async function serverWith(onSocket: (socket: Socket) => void): Promise<RawServer> {
  const server = await rawServer(onSocket);
  closers.push(() => server.close());
  return server;
}

/** A server that answers every request with `bytes`; "cut" resets the connection after them. */
function answering(bytes: string, then: "keep" | "end" | "cut" = "keep"): Promise<RawServer> {
  return serverWith((socket) =>
    onRequests(socket, () => {
      socket.write(bytes, () => {
        if (then === "end") socket.end();
        // A moment, so that the bytes do arrive before the reset discards them.
        if (then === "cut") setTimeout(() => socket.resetAndDestroy(), 20);
      });
    }),
  );
}

async function exchange(
  server: RawServer | string,
  overrides: Partial<UpstreamRequest> = {},
  client = clientWith(),
): Promise<Told> {
  const origin = typeof server === "string" ? server : server.origin;
  return start(client, { ...REQUEST, origin, ...overrides }).over;
}

function assertFailure(told: Told, kind: string, sent: boolean): void {
  assert.equal(told.failure?.kind, kind, told.failure?.detail);
  assert.equal(told.failure?.sent, sent);
  assert.equal(told.order.at(-1), "failure");
  assert.ok(!told.failure?.detail.includes("sk-test"), "the detail holds no credential");
}

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

test("connections are kept and used again", async () => {
  const server = await answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  const client = clientWith();
  for (let round = 0; round < 20; round++) {
    assert.equal((await exchange(server, {}, client)).status, 200);
  }
  assert.ok(server.accepted() <= 2, `${server.accepted()} connections for 20 requests in a row`);
});

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

test("an unasked-for 100 Continue is a failure, never an answer", async () => {
  const server = await answering(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
  );
  const told = await exchange(server);
  assertFailure(told, "reset", true);
  assert.deepEqual(told.order, ["sent", "failure"]);
});

test("no head in time is a first-byte time-out, though bytes of it trickle", async () => {
  const server = await serverWith((socket) =>
    onRequests(socket, () => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write("x: y\r\n"), 20);
      socket.on("close", () => clearInterval(timer));
    }),
  );
  assertFailure(await exchange(server, { firstByteTimeoutMs: 150 }), "first_byte_timeout", true);
});

test("informational answers do not satisfy the first-byte time-out", async () => {
  const server = await answering("HTTP/1.1 103 Early Hints\r\n\r\n");
  assertFailure(await exchange(server, { firstByteTimeoutMs: 100 }), "first_byte_timeout", true);
});

test("a first-byte time-out while waiting for a connection was not sent", async () => {
  const server = await serverWith(() => {});
  const client = clientWith({ maxConnectionsPerOrigin: 2 });
  const request = { ...REQUEST, origin: server.origin };
  const held = [start(client, request), start(client, request)];
  const told = await exchange(server, { firstByteTimeoutMs: 100 }, client);
  assertFailure(told, "first_byte_timeout", false);
  held.forEach((running) => running.exchange.cancel());
});

test("silence between chunks is an idle time-out; data puts it off", async () => {
  const server = await serverWith((socket) =>
    onRequests(socket, () => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
      for (let count = 1; count <= 6; count++) setTimeout(() => socket.write("x"), count * 90);
    }),
  );
  const told = await exchange(server, { idleTimeoutMs: 400 });
  assertFailure(told, "idle_timeout", true);
  assert.equal(textOf(told), "xxxxxx", "six pauses of 90 ms did not add up to one of 400");
});

test("the idle time-out stands still while paused, and starts anew with resume", async () => {
  const server = await answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx");
  const running = start(clientWith(), { ...REQUEST, origin: server.origin, idleTimeoutMs: 80 });
  await running.head;
  running.exchange.pause();
  await sleep(250);
  assert.equal(running.told.failure, null);
  running.exchange.resume();
  assertFailure(await running.over, "idle_timeout", true);
});

test("a slow consumer holds the upstream back", async () => {
  const bodyBytes = 64 * 1024 * 1024;
  let written = 0;
  const server = await serverWith((socket) =>
    onRequests(socket, () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bodyBytes}\r\n\r\n`);
      const chunk = Buffer.alloc(65_536);
      const pump = (): void => {
        while (written < bodyBytes) {
          written += chunk.length;
          if (!socket.write(chunk)) return void socket.once("drain", pump);
        }
      };
      pump();
    }),
  );
  let received = 0;
  const client = clientWith();
  const over = Promise.withResolvers<void>();
  let paused = 0;
  const upstream = client.send(
    { ...REQUEST, origin: server.origin },
    {
      onHead: () => {},
      onData: (chunk) => {
        received += chunk.length;
        if (received < 1_000_000 || paused > 0) return;
        paused = received;
        upstream.pause();
      },
      onEnd: over.resolve,
      onFailure: (failure) => over.reject(new Error(failure.detail)),
    },
  );
  await sleep(300);
  assert.ok(received - paused <= 131_072, `${received - paused} bytes came while paused`);
  assert.ok(written < 32 * 1024 * 1024, `the upstream could write ${written} bytes`);
  upstream.resume();
  await over.promise;
  assert.equal(received, bodyBytes);
});

test("pausing in every event loses nothing", async () => {
  const whole = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
  const server = await serverWith((socket) =>
    onRequests(socket, () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${whole.length}\r\n\r\n`);
      socket.write(whole);
    }),
  );
  const chunks: Buffer[] = [];
  const over = Promise.withResolvers<void>();
  const upstream = clientWith().send(
    { ...REQUEST, origin: server.origin },
    {
      onHead: () => {
        upstream.pause();
        setImmediate(upstream.resume);
      },
      onData: (chunk) => {
        chunks.push(chunk);
        upstream.pause();
        if (chunks.length % 2 === 0) setImmediate(upstream.resume);
        else upstream.resume();
      },
      onEnd: over.resolve,
      onFailure: (failure) => over.reject(new Error(failure.detail)),
    },
  );
  await over.promise;
  assert.ok(Buffer.concat(chunks).equals(whole));
});

test("cancel ends an exchange at once: no event follows, its connection closes", async () => {
  const closed = Promise.withResolvers<void>();
  const server = await serverWith((socket) => {
    socket.on("close", () => closed.resolve());
    onRequests(socket, () => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      const timer = setInterval(() => socket.write("1\r\nx\r\n"), 5);
      socket.on("close", () => clearInterval(timer));
    });
  });
  const running = start(clientWith(), { ...REQUEST, origin: server.origin, idleTimeoutMs: 100 });
  await running.head;
  running.exchange.cancel();
  running.exchange.cancel();
  const { length } = running.told.order;
  await closed.promise;
  await sleep(150);
  assert.equal(running.told.order.length, length);
});

test("cancel before the head, in the queue and after the end is silent", async () => {
  const server = await serverWith(() => {});
  const client = clientWith({ maxConnectionsPerOrigin: 1 });
  const request = { ...REQUEST, origin: server.origin, firstByteTimeoutMs: 80 };
  const [first, queued] = [start(client, request), start(client, request)];
  queued.exchange.cancel();
  await sleep(20);
  first.exchange.cancel();
  const refused = start(client, { ...request, headers: { "bad header": "x" } });
  refused.exchange.cancel();
  await sleep(150);
  for (const running of [first, queued, refused]) assert.deepEqual(running.told.order, ["sent"]);
});

test("a request cancelled in the queue is not sent, and costs no connection", async () => {
  const paths: string[] = [];
  const server = await serverWith((socket) =>
    onRequests(socket, (head) => {
      paths.push(head.split(" ")[1] ?? "");
      setTimeout(() => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), 50);
    }),
  );
  const client = clientWith({ maxConnectionsPerOrigin: 1 });
  const request = { ...REQUEST, origin: server.origin };
  const first = start(client, { ...request, path: "/1" });
  const second = start(client, { ...request, path: "/2" });
  const third = start(client, { ...request, path: "/3" });
  second.exchange.cancel();
  await Promise.all([first.over, third.over]);
  assert.deepEqual(paths, ["/1", "/3"]);
  assert.equal(server.accepted(), 1);
});

for (const paused of ["paused", "flowing"]) {
  test(`more ${paused} streams may be abandoned than the pool has connections`, async () => {
    let requests = 0;
    const server = await serverWith((socket) =>
      onRequests(socket, (head) => {
        requests += 1;
        if (head.includes("/last")) {
          return void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n");
      }),
    );
    const client = clientWith({ maxConnectionsPerOrigin: 4 });
    for (let round = 0; round < 5; round++) {
      const streams = Array.from({ length: 4 }, () =>
        start(client, { ...REQUEST, origin: server.origin }),
      );
      await Promise.all(streams.map((stream) => stream.head));
      if (paused === "paused") streams.forEach((stream) => stream.exchange.pause());
      streams.forEach((stream) => stream.exchange.cancel());
    }
    assert.equal(textOf(await exchange(server, { path: "/last" }, client)), "ok");
    assert.equal(requests, 21);
    assert.ok(server.open() <= 4);
  });
}

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
