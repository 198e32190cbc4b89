/** A token server on a real socket, and authenticators that have no other machine than the test's. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createAuthenticators } from "../../src/providers/auth/authenticator.ts";
import type { Authenticator, AuthFault } from "../../src/providers/auth/authenticator.ts";
import type { CloudCredential } from "../../src/providers/credential.ts";
import type { AuthScheme } from "../../src/providers/row.ts";
import { createSocketClient } from "../../src/providers/socket/client.ts";
import { closeAtEnd } from "./implementations.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface TokenServer {
  readonly origin: string;
  readonly asked: Asked[];
}

/** Answers with what `answer` gives: a status and a body, or whatever it does to the response itself. */
export async function tokenServer(
  answer: (
    asked: Asked,
    response: ServerResponse,
  ) => readonly [status: number, body: string | object] | null,
): Promise<TokenServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const one = { method, path, headers, body: Buffer.concat(chunks).toString() };
      asked.push(one);
      const given = answer(one, response);
      if (given === null) return;
      const [status, body] = given;
      response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeAtEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

export interface World {
  readonly authenticator: (
    scheme: AuthScheme,
    cloud: CloudCredential,
    settings?: Readonly<Record<string, string>>,
  ) => Authenticator;
  readonly files: Record<string, string>;
  readonly step: (ms: number) => void;
}

export const START_MS = Date.parse("2026-11-23T10:00:00Z");

/** A machine of given files and variables, its clock stepped by hand. */
export function world(
  environment: Readonly<Record<string, string>> = {},
  files: Record<string, string> = {},
): World {
  const client = createSocketClient({
    connectTimeoutMs: 2_000,
    caPem: null,
    maxConnectionsPerOrigin: 4,
  });
  closeAtEnd(() => client.close());
  let passedMs = 0;
  const authenticators = createAuthenticators({
    clock: { wallMs: () => START_MS + passedMs, monotonicMs: () => passedMs },
    client,
    environment: { HOME: "/home-of-nobody", ...environment },
    callDeadlineMs: 300,
    readFile: (path) => {
      const text = files[path];
      return text === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(text);
    },
  });
  return {
    authenticator: (scheme, cloud, settings = {}) =>
      authenticators.of("provider/key", scheme, { secret: "", cloud }, settings),
    files,
    step: (ms) => (passedMs += ms),
  };
}

const REQUEST = {
  method: "POST",
  origin: "https://bedrock-runtime.eu-central-1.amazonaws.com",
  path: "/model/m/invoke",
  headers: { "content-type": "application/json" },
  body: [Buffer.from("{}")],
};

/** The headers of one request. */
export async function headersOf(
  authenticator: Authenticator,
): Promise<Readonly<Record<string, string>>> {
  const result = await authenticator.headers(REQUEST);
  return result.ok ? result.headers : assert.fail(result.sentence);
}

export async function faultOf(authenticator: Authenticator): Promise<AuthFault> {
  const result = await authenticator.headers(REQUEST);
  return result.ok ? assert.fail("there is a token") : result;
}

/** What every token server may do wrong, and whether that may pass. */
export const FAILURES: readonly {
  readonly name: string;
  readonly isTemporary: boolean;
  readonly says: RegExp;
  readonly answer: (response: ServerResponse) => readonly [number, string | object] | null;
}[] = [
  {
    name: "says nothing",
    isTemporary: true,
    says: /did not answer|cannot be reached/,
    answer: () => null,
  },
  {
    name: "never ends",
    isTemporary: true,
    says: /did not answer/,
    answer: (response) => {
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
      return null;
    },
  },
  {
    name: "hangs up",
    isTemporary: true,
    says: /cannot be reached \(reset/,
    answer: (response) => {
      response.destroy();
      return null;
    },
  },
  {
    name: "sends more than a token",
    isTemporary: true,
    says: /more than a token/,
    answer: () => [200, "x".repeat(300_000)],
  },
  { name: "is down", isTemporary: true, says: /answered with 503/, answer: () => [503, "<html>"] },
  { name: "is busy", isTemporary: true, says: /answered with 429/, answer: () => [429, {}] },
  { name: "sends a page", isTemporary: true, says: /without/, answer: () => [200, "<html>hello"] },
  { name: "sends a list", isTemporary: true, says: /without/, answer: () => [200, "[]"] },
  {
    name: "leads elsewhere",
    isTemporary: false,
    says: /answered with 302/,
    answer: (response) => {
      response.setHeader("location", "http://169.254.169.254/");
      return [302, ""];
    },
  },
];
