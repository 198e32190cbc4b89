/** A scripted provider of any door's dialect on a real socket, as strict as the real one, with its own bill. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { WireUsage } from "../bill.ts";
import { UPSTREAM_KEY } from "../gateway-config.ts";
import { portOf } from "../ports.ts";
import type { Answer, Fault, HttpAnswer, MessageAnswer } from "../scripts.ts";
import { receive, type ReceivedRequest } from "../upstream-request.ts";
import { DialectBill, type DialectLine } from "./bill.ts";
import { isObject, Refused, type Json } from "./check.ts";
import type { Dialect, DialectFormat, Place, RequestView, Told } from "./dialect.ts";
import { DIALECTS } from "./formats.ts";

/** A request as the upstream took it: checked, and in the words that all dialects share. */
export interface DialectRequest extends RequestView {
  readonly asks: Place["asks"];
  readonly received: ReceivedRequest;
  readonly body: Json;
}

export type DialectScript = (request: DialectRequest) => Answer | Promise<Answer>;

export interface DialectUpstream {
  /** "http://127.0.0.1:PORT". */
  readonly url: string;
  readonly bill: DialectBill;
  /** Requests for answers that were taken, in order. */
  readonly requests: readonly DialectRequest[];
  readonly counts: readonly DialectRequest[];
  /** Sentences with which requests were refused as the real API would have refused them. */
  readonly refused: readonly string[];
  readonly answerWith: (script: DialectScript) => void;
  /** From now on counts are answered with this status; null: as they should be. */
  readonly failCounts: (status: number | null) => void;
  readonly stop: () => Promise<void>;
}

export interface DialectOptions {
  /** Whether a request shows our credential; default: the door's usual header with `UPSTREAM_KEY`. */
  readonly identifies?: (request: ReceivedRequest) => boolean;
}

/** What a count answers: no body of a test is so short or so long by chance. */
export const COUNTED_TOKENS = 4321;

/** Starts an upstream of a format on a free loopback port. */
export async function startDialectUpstream(
  format: DialectFormat,
  script: DialectScript,
  options: DialectOptions = {},
): Promise<DialectUpstream> {
  const dialect = DIALECTS[format];
  const identifies = options.identifies ?? usualCredential(format);
  let current = script;
  let number = 0;
  let countStatus: number | null = null;
  const bill = new DialectBill();
  const requests: DialectRequest[] = [];
  const counts: DialectRequest[] = [];
  const refused: string[] = [];

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await receive(number++, incoming);
    if (received === null) return;
    const taken = take(received, dialect, identifies);
    if ("status" in taken) {
      refused.push(`${taken.status} ${received.url}: ${taken.sentence}`);
      sendJson(response, taken.status, dialect.error(taken.status, taken.sentence));
      return;
    }
    (taken.asks === "count" ? counts : requests).push(taken);
    if (taken.asks === "count") {
      if (countStatus === null) sendJson(response, 200, dialect.count(COUNTED_TOKENS));
      else sendJson(response, countStatus, dialect.error(countStatus, "no counts today"));
      return;
    }
    const answer = await current(taken);
    if (answer.kind === "http") await sendHttp(response, answer);
    else await new Delivery(dialect, { request: taken, response, bill }).run(answer, number);
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    serve(incoming, response).catch((cause: unknown) => {
      refused.push(`500: ${String(cause)}`);
      sendJson(response, 500, dialect.error(500, `script failed: ${String(cause)}`));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    bill,
    requests,
    counts,
    refused,
    answerWith: (next) => {
      current = next;
    },
    failCounts: (status) => {
      countStatus = status;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** An error in the dialect's own envelope. */
export function dialectError(
  format: DialectFormat,
  status: number,
  of: { readonly message: string; readonly headers?: Readonly<Record<string, string>> },
): HttpAnswer {
  const headers = { "content-type": "application/json", ...of.headers };
  return {
    kind: "http",
    status,
    headers,
    body: JSON.stringify(DIALECTS[format].error(status, of.message)),
  };
}

function usualCredential(format: DialectFormat): (request: ReceivedRequest) => boolean {
  const bearer = (name: string, prefix: string) => (request: ReceivedRequest) =>
    request.headers[name] === prefix + UPSTREAM_KEY;
  if (format === "gemini") return bearer("x-goog-api-key", "");
  return format === "anthropic-messages"
    ? bearer("x-api-key", "")
    : bearer("authorization", "Bearer ");
}

interface NotTaken {
  readonly status: number;
  readonly sentence: string;
}

function take(
  received: ReceivedRequest,
  dialect: Dialect,
  identifies: (request: ReceivedRequest) => boolean,
): DialectRequest | NotTaken {
  const place = received.method === "POST" ? dialect.place(received.url) : null;
  if (place === null)
    return { status: 404, sentence: `nothing is at ${received.method} ${received.url}` };
  if (!identifies(received)) return { status: 401, sentence: "Incorrect API key provided." };
  if (!String(received.headers["content-type"]).startsWith("application/json"))
    return { status: 415, sentence: "content-type must be application/json" };
  try {
    const body: unknown = JSON.parse(received.body.toString("utf8"));
    if (!isObject(body)) return { status: 400, sentence: "the body is no object" };
    dialect.check(body, place, received.headers);
    return { ...dialect.view(body, place), asks: place.asks, received, body };
  } catch (cause) {
    if (cause instanceof Refused || cause instanceof SyntaxError)
      return { status: 400, sentence: cause.message };
    throw cause;
  }
}

function sendJson(response: ServerResponse, status: number, value: Json): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

async function sendHttp(response: ServerResponse, answer: HttpAnswer): Promise<void> {
  if (answer.headDelayMs !== undefined) await delay(answer.headDelayMs);
  response.writeHead(answer.status, answer.headers).end(answer.body);
}

/** One answer on its way, its bill line in step. */
class Delivery {
  readonly #dialect: Dialect;
  readonly #request: DialectRequest;
  readonly #response: ServerResponse;
  readonly #bill: DialectBill;

  constructor(
    dialect: Dialect,
    of: {
      readonly request: DialectRequest;
      readonly response: ServerResponse;
      readonly bill: DialectBill;
    },
  ) {
    this.#dialect = dialect;
    this.#request = of.request;
    this.#response = of.response;
    this.#bill = of.bill;
  }

  async run(answer: MessageAnswer, number: number): Promise<void> {
    const { delivery = {}, fault, usage } = answer;
    const line = this.#openLine(usage);
    this.#response.once("close", () => {
      if (line.state === "open") line.state = "cut";
    });
    if (fault?.kind === "no_head") return;
    if (delivery.headDelayMs !== undefined) await delay(delivery.headDelayMs);
    if (fault?.kind === "reset_before_head") {
      this.#response.destroy();
      return;
    }
    const told = this.#told(answer, number);
    if (this.#request.stream) await this.#stream(answer, told, line);
    else this.#whole(answer, told, line);
  }

  #told(answer: MessageAnswer, number: number): Told {
    const { content, usage, stopSequence, delivery } = answer;
    const ended = stopSequence === undefined ? "end_turn" : "stop_sequence";
    return {
      id: String(number).padStart(24, "0"),
      model: answer.model ?? this.#request.model,
      content,
      stopReason: answer.stopReason ?? ended,
      stopSequence: stopSequence ?? null,
      usage,
      omitsUsage: delivery?.omitUsage === true,
      request: this.#request.body,
    };
  }

  #openLine(usage: WireUsage): DialectLine {
    const charge = { ...this.#dialect.charge(this.#dialect.usage(usage)), output: 0 };
    const line: DialectLine = { model: this.#request.model, charge, state: "open" };
    this.#bill.lines.push(line);
    return line;
  }

  #charge(line: DialectLine, usage: WireUsage, share: number): void {
    const charge = this.#dialect.charge(this.#dialect.usage(usage));
    const output = share === 1 ? charge.output : Math.floor(charge.output * share);
    line.charge = { ...charge, output: Math.max(line.charge.output, output) };
    if (share === 1) line.state = "complete";
  }

  #whole(answer: MessageAnswer, told: Told, line: DialectLine): void {
    const body = JSON.stringify(this.#dialect.whole(told));
    this.#charge(line, answer.usage, 1);
    this.#response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...answer.delivery?.headers,
    });
    if (answer.fault === undefined) this.#response.end(body);
    else this.#response.write(body.slice(0, body.length >> 1), () => this.#response.destroy());
  }

  async #stream(answer: MessageAnswer, told: Told, line: DialectLine): Promise<void> {
    const { delivery = {}, fault, usage } = answer;
    const pieces = this.#dialect.stream(told);
    const cutAt = fault !== undefined && "afterEvents" in fault ? fault.afterEvents : pieces.length;
    const sent = pieces.slice(0, cutAt);
    this.#response.writeHead(200, {
      "content-type": this.#dialect.streamType,
      ...delivery.headers,
    });
    this.#response.flushHeaders();
    const size = delivery.chunks;
    if (size === "whole" || typeof size === "number") {
      this.#charge(line, usage, cutAt / pieces.length);
      await this.#cut(Buffer.concat(sent), size);
    } else {
      for (const [index, piece] of sent.entries()) {
        if (this.#response.destroyed) return;
        this.#charge(line, usage, (index + 1) / pieces.length);
        this.#response.write(piece);
        if (delivery.eventDelayMs !== undefined) await delay(delivery.eventDelayMs);
      }
    }
    if (fault === undefined || cutAt >= pieces.length) this.#response.end();
    else await this.#break(fault, pieces[cutAt] ?? Buffer.alloc(0));
  }

  async #cut(bytes: Buffer, size: number | "whole"): Promise<void> {
    const step = size === "whole" ? bytes.length : size;
    for (let at = 0; at < bytes.length && !this.#response.destroyed; at += step) {
      this.#response.write(bytes.subarray(at, at + step));
      if ((at / step) % 8 === 7) await delay(0);
    }
  }

  async #break(fault: Fault, next: Buffer): Promise<void> {
    switch (fault.kind) {
      case "half_frame":
        this.#response.end(next.subarray(0, next.length >> 1));
        return;
      case "early_end":
        this.#response.end();
        return;
      case "error_event":
        this.#response.end(this.#dialect.errorPiece(fault.type));
        return;
      case "stall":
        return;
      default:
        // Lets what was written leave the process before the reset.
        await delay(5);
        this.#response.destroy();
    }
  }
}
