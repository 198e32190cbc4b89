import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answering, assertFailure, describeClients, serverWith } from "./implementations.ts";
import { onRequests, REQUEST, start, textOf } from "./raw-server.ts";

describeClients(({ clientWith, exchange }) => {
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

  test("a pause before the head holds back what follows it", async () => {
    const server = await serverWith((socket) =>
      onRequests(socket, () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
        setTimeout(() => socket.write("ok"), 20);
      }),
    );
    const running = start(clientWith(), { ...REQUEST, origin: server.origin });
    running.exchange.pause();
    await running.head;
    await sleep(100);
    assert.deepEqual(running.told.order, ["sent", "head"]);
    running.exchange.resume();
    assert.equal(textOf(await running.over), "ok");
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

  for (const event of ["head", "data"] as const) {
    test(`cancel from within a ${event} event: no other follows, though all has come`, async () => {
      const server = await answering(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
      );
      const order: string[] = [];
      const closed = Promise.withResolvers<void>();
      const note = (what: string) => {
        order.push(what);
        if (what !== event) return;
        upstream.cancel();
        setTimeout(closed.resolve, 50);
      };
      const upstream = clientWith().send(
        { ...REQUEST, origin: server.origin },
        {
          onHead: () => note("head"),
          onData: () => note("data"),
          onEnd: () => note("end"),
          onFailure: () => note("failure"),
        },
      );
      await closed.promise;
      assert.deepEqual(order, event === "head" ? ["head"] : ["head", "data"]);
      assert.equal(server.open(), 0);
    });
  }

  test("pausing from within the last event leaves the connection usable", async () => {
    const server = await answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    const client = clientWith({ maxConnectionsPerOrigin: 1 });
    for (let round = 0; round < 3; round++) {
      const over = Promise.withResolvers<void>();
      const upstream = client.send(
        { ...REQUEST, origin: server.origin },
        {
          onHead: () => {},
          onData: () => {
            upstream.pause();
            setImmediate(upstream.resume);
          },
          onEnd: over.resolve,
          onFailure: (failure) => over.reject(new Error(failure.detail)),
        },
      );
      await over.promise;
    }
  });

  test("requests from within the events of others are sent", async () => {
    const server = await answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    const client = clientWith({ maxConnectionsPerOrigin: 2 });
    const over = Promise.withResolvers<void>();
    let ended = 0;
    const send = (depth: number): void => {
      const deeper = () => {
        if (depth < 5) send(depth + 1);
      };
      client.send(
        { ...REQUEST, origin: server.origin },
        {
          onHead: deeper,
          onData: () => {},
          onEnd: () => {
            deeper();
            ended += 1;
            if (ended === 2 ** 6 - 1) over.resolve();
          },
          onFailure: (failure) => over.reject(new Error(failure.detail)),
        },
      );
    };
    send(0);
    await over.promise;
    assert.ok(server.open() <= 2);
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
});
