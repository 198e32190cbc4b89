/** Whatever headers a client sends, the gateway's requests tell what node:http's own tell. */
import assert from "node:assert/strict";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { GatewayRequest } from "./request-headers.ts";

const NAMES = [
  "Host",
  "X-Api-Key",
  "x-api-key",
  "Cookie",
  "Set-Cookie",
  "Content-Length",
  "constructor",
  "__proto__",
  "toString",
  "x-1",
  "X-1",
  "10",
];
const pairs = fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.string({ maxLength: 5 })), {
  maxLength: 12,
});

/** As the server's parser does it. */
function received<Request extends IncomingMessage>(request: Request, raw: string[]): Request {
  request.rawHeaders = raw;
  const internal = request as Request & { _addHeaderLines: (raw: string[], count: number) => void };
  internal["_addHeaderLines"](raw, raw.length);
  return request;
}

test("its headers are those of node:http", () => {
  const socket = new Socket();
  fc.assert(
    fc.property(pairs, (sent) => {
      const raw = sent.flat();
      const own = received(new GatewayRequest(socket), [...raw]).headers;
      const known = received(new IncomingMessage(socket), [...raw]).headers;
      for (const name of new Set(NAMES.map((each) => each.toLowerCase())))
        if (name !== "__proto__" && Object.hasOwn(known, name))
          assert.deepEqual(own[name], known[name], name);
      const names = (headers: object) =>
        Object.keys(headers).filter((each) => each !== "__proto__");
      assert.deepEqual(names(own).toSorted(), names(known).toSorted());
    }),
  );
});

test("headers that were set stay as they were set", () => {
  const request = received(new GatewayRequest(new Socket()), ["x-1", "sent"]);
  request.headers = { "x-1": "set" };
  assert.equal(request.headers["x-1"], "set");
});
