/** Talks to the control API of the running gateway: through its socket, else over the network. */
import { existsSync } from "node:fs";
import type { Dispatcher } from "undici";
import type { Environment } from "../config/reference.ts";
import { CsvText } from "../control/csv.ts";
import { CommandFailed, EXIT } from "./exit.ts";
import { controlSocket, type Place } from "./place.ts";

export interface ControlClient {
  /**
   * The parsed body of a good answer; `body` is sent as JSON, a `CsvText` as it is.
   *
   * @throws CommandFailed for every other answer.
   */
  readonly call: (method: Method, path: string, body?: unknown) => Promise<unknown>;
  /** All entries of a list, page by page. */
  readonly all: (path: string) => Promise<readonly unknown[]>;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

interface Door {
  readonly origin: string;
  readonly token: string | null;
  readonly socket: string | null;
}

const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 120_000;
const NOT_THERE = new Set([
  "ECONNREFUSED",
  "ENOENT",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "EACCES",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/**
 * A client of the gateway on this data directory where its socket is there and answers, else of the
 * one that `TOLLGATE_ADMIN_URL` names; of that alone where `place` is null.
 *
 * @throws CommandFailed where there is neither.
 */
export function connectControl(place: Place | null, environment: Environment): ControlClient {
  const doors = findDoors(place, environment);
  const call: ControlClient["call"] = async (method, path, body) => {
    for (;;) {
      const [door, second] = doors;
      if (door === undefined) throw new CommandFailed(notRunning(place), EXIT.unreachable);
      const answer = await send(door, { method, path, body });
      if (!("notThere" in answer)) return documentOf(answer, door);
      if (second === undefined) throw answer.notThere;
      // A socket that nobody serves is what a killed gateway leaves behind.
      doors.shift();
    }
  };
  return { call, all: (path) => allPages(call, path) };
}

async function allPages(call: ControlClient["call"], path: string): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  let cursor: string | null = null;
  do {
    const sign = path.includes("?") ? "&" : "?";
    const after = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await call("GET", `${path}${sign}limit=1000${after}`)) as {
      readonly data: readonly unknown[];
      readonly next_cursor: string | null;
    };
    found.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}

function findDoors(place: Place | null, environment: Environment): Door[] {
  const socket = place === null ? null : controlSocket(place);
  const doors: Door[] = [];
  if (socket !== null && existsSync(socket))
    doors.push({ origin: "http://localhost", token: null, socket });
  const url = environment["TOLLGATE_ADMIN_URL"] ?? "";
  const token = environment["TOLLGATE_ADMIN_TOKEN"] ?? "";
  if (url !== "" && token !== "") doors.push({ origin: originOf(url), token, socket: null });
  if (doors.length > 0 || url === "") return doors;
  const message = "TOLLGATE_ADMIN_URL is set but TOLLGATE_ADMIN_TOKEN is not: set both";
  throw new CommandFailed(message, EXIT.configuration);
}

function originOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed.origin;
  const message =
    "TOLLGATE_ADMIN_URL is no http or https URL: write one such as http://127.0.0.1:8081";
  throw new CommandFailed(message, EXIT.configuration);
}

function notRunning(place: Place | null): string {
  return (
    `no gateway runs on ${place?.dataDir ?? "this machine"}: start it with "tollgate serve", name its data directory ` +
    "(--config, TOLLGATE_DATA_DIR), or set TOLLGATE_ADMIN_URL and TOLLGATE_ADMIN_TOKEN"
  );
}

interface Question {
  readonly method: Method;
  readonly path: string;
  readonly body: unknown;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function textOf(body: unknown): string {
  return body instanceof CsvText ? body.csv : JSON.stringify(body);
}

/** Each question has a connection of its own: commands ask few. */
async function send(
  door: Door,
  { method, path, body }: Question,
): Promise<Answer | { readonly notThere: CommandFailed }> {
  const headers = {
    ...(door.token !== null && { authorization: `Bearer ${door.token}` }),
    ...(body !== undefined && {
      "content-type": body instanceof CsvText ? "text/csv" : "application/json",
    }),
  };
  const text = body === undefined ? null : textOf(body);
  const { Agent, request } = await import("undici");
  const { socket } = door;
  const connect = { timeout: CONNECT_TIMEOUT_MS, ...(socket !== null && { socketPath: socket }) };
  const dispatcher: Dispatcher = new Agent({ connect, headersTimeout: ANSWER_TIMEOUT_MS });
  try {
    const answer = await request(`${door.origin}${path}`, {
      method,
      headers,
      dispatcher,
      body: text,
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!NOT_THERE.has(code)) throw error;
    const where = door.socket ?? door.origin;
    const message = `no gateway answers at ${where} (${code}): is it running?`;
    return { notThere: new CommandFailed(message, EXIT.unreachable) };
  } finally {
    await dispatcher.close();
  }
}

/** The body of a good answer; null where it has none. */
function documentOf({ status, text }: Answer, door: Door): unknown {
  if (status === 401) {
    throw new CommandFailed("the gateway does not take TOLLGATE_ADMIN_TOKEN: check its value");
  }
  const document = text === "" ? null : parse(text);
  if (status >= 300) throw new CommandFailed(detailOf(document, status));
  if (document !== undefined) return document;
  throw new CommandFailed(`what answers at ${door.socket ?? door.origin} is no Tollgate`);
}

/** Undefined where the text is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function detailOf(document: unknown, status: number): string {
  const { detail, parameter } = (document ?? {}) as { detail?: unknown; parameter?: unknown };
  if (typeof detail !== "string") return `the gateway answered with status ${status}`;
  if (typeof parameter !== "string" || detail.includes(parameter)) return detail;
  return `${parameter}: ${detail}`;
}
