/** SIGKILL while an attempt is in every state that can be seen from outside: all of them at once. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { request, type ClientRequest } from "node:http";
import { ADA_KEY } from "../harness/gateway-config.ts";
import { until } from "../harness/gateway.ts";
import type { Answer, Fault } from "../harness/scripts.ts";
import { messageEvents } from "../harness/sse.ts";
import { sessionOf, type ReceivedRequest } from "../harness/upstream-request.ts";
import { soundAnswer, startLife, type Life } from "./life.ts";
import { LIFE_ENV } from "./life-config.ts";
import { assertRebuilt } from "./rebuilt.ts";

/** How much of an answer's events reach the upstream's socket before it falls silent. */
const EVENTS = messageEvents({
  id: "msg_1",
  model: "claude-opus-5-5",
  content: soundAnswer().content,
  stopReason: "end_turn",
  stopSequence: null,
  usage: soundAnswer().usage,
});
/** For what cannot be seen from outside: a hang-up noticed, buffers filled, a place in the queue taken. */
const UNSEEN_MS = 150;
/** More than the sockets on the way hold. */
const LARGE_WORDS = 2_000_000;
const SILENT: Fault = { kind: "no_head" };

interface State {
  readonly stream: boolean;
  readonly fault?: Fault;
  readonly words?: number;
  readonly key?: string;
  /** What the client has once the state is reached; "": nothing but that the upstream was asked. */
  readonly seen:
    | ""
    | "head"
    | "message_start"
    | "content_block_delta"
    | "message_delta"
    | "message_stop";
  /** The client reads nothing of the body. */
  readonly blind?: boolean;
  /** The client hangs up before the process dies. */
  readonly hangsUp?: boolean;
}

function stallAfter(afterEvents: number): Fault {
  return { kind: "stall", afterEvents };
}

const MID_STREAM = { stream: true, fault: stallAfter(4), seen: "content_block_delta" } as const;
const STATES: ReadonlyMap<string, State> = new Map<string, State>([
  ["asked", { stream: true, fault: SILENT, seen: "" }],
  ["asked for a whole answer", { stream: false, fault: SILENT, seen: "" }],
  ["head", { stream: true, fault: stallAfter(0), seen: "head" }],
  ["message_start", { stream: true, fault: stallAfter(1), seen: "message_start" }],
  ["mid-stream", MID_STREAM],
  ["before the final counts", { ...MID_STREAM, fault: stallAfter(EVENTS.length - 2) }],
  ["final counts", { stream: true, fault: stallAfter(EVENTS.length - 1), seen: "message_delta" }],
  ["complete", { stream: true, seen: "message_stop" }],
  ["complete and unread", { stream: true, seen: "head", blind: true }],
  ["complete and unread, whole answer", { stream: false, seen: "head", blind: true }],
  ["more than anybody reads", { stream: true, words: LARGE_WORDS, seen: "head", blind: true }],
  [
    "more than anybody reads, whole answer",
    { stream: false, words: LARGE_WORDS, seen: "head", blind: true },
  ],
  ["hang-up before the head", { stream: true, fault: SILENT, seen: "", hangsUp: true }],
  ["hang-up after the head", { stream: true, fault: stallAfter(0), seen: "head", hangsUp: true }],
  ["hang-up in mid-stream", { ...MID_STREAM, hangsUp: true }],
  ["hang-up, whole answer", { stream: false, fault: SILENT, seen: "", hangsUp: true }],
  ["holds all that a cap has", { stream: true, fault: SILENT, seen: "", key: LIFE_ENV.DORA_KEY }],
]);
const WAITING: State = { stream: true, seen: "", key: LIFE_ENV.DORA_KEY };

/** A client that looks at each byte as it comes, or at none. */
class Watcher {
  readonly session: string;
  readonly #state: State;
  readonly #request: ClientRequest;
  #head = false;
  #text = "";

  constructor(life: Life, session: string, state: State) {
    this.session = session;
    this.#state = state;
    const body = JSON.stringify({
      model: "claude-opus-5-5",
      max_tokens: 60,
      messages: [{ role: "user", content: "Hi" }],
      stream: state.stream,
    });
    const headers = {
      "x-api-key": state.key ?? ADA_KEY,
      "x-claude-code-session-id": session,
      "content-length": Buffer.byteLength(body),
    };
    this.#request = request(`${life.gateway.url}/v1/messages`, { method: "POST", headers });
    // The gateway dies: that is what this is about.
    this.#request.on("error", () => undefined);
    this.#request.on("response", (response) => {
      this.#head = true;
      response.on("error", () => undefined);
      if (state.blind === true) response.pause();
      else response.setEncoding("utf8").on("data", (text: string) => (this.#text += text));
    });
    this.#request.end(body);
  }

  /** Whether anything has come back. */
  get answered(): boolean {
    return this.#head;
  }

  async reachState(life: Life): Promise<void> {
    const { seen } = this.#state;
    await until(`${this.session}: the upstream is asked`, () => isAsked(life, this.session));
    await until(`${this.session}: it has ${seen}`, () => {
      if (seen === "" || seen === "head") return seen === "" || this.#head;
      return this.#text.includes(`event: ${seen}`);
    });
    if (this.#state.hangsUp === true) this.hangUp();
  }

  hangUp(): void {
    this.#request.destroy();
  }
}

function isAsked(life: Life, session: string): boolean {
  return life.upstream.bill.lines.some((line) => line.session === session);
}

/** The session names the state. */
function answerByState(incoming: ReceivedRequest): Answer {
  const { fault, words } = STATES.get(stateOf(sessionOf(incoming) ?? "")) ?? WAITING;
  const sound = soundAnswer(words, words === undefined ? 1 : 0);
  const whole = words === undefined ? {} : { delivery: { chunks: "whole" } as const };
  return { ...sound, ...whole, ...(fault === undefined ? {} : { fault }) };
}

function stateOf(session: string): string {
  return session.slice(0, session.lastIndexOf("-"));
}

describe("kill -9 with an attempt in each state", () => {
  let life: Life;

  before(async () => {
    life = await startLife();
    life.upstream.answerWith(answerByState);
  });
  after(() => life.dispose());

  test("each is charged once, by its bill or one-sidedly", async (t) => {
    const watchers: Watcher[] = [];
    const watch = (name: string, state: State): Watcher => {
      const watcher = new Watcher(life, life.session(name), state);
      watchers.push(watcher);
      return watcher;
    };
    await life.dieOf({}, async () => {
      const reached = [...STATES].map(([name, state]) => watch(name, state).reachState(life));
      await Promise.all(reached);
      const waiting = watch("waiting", WAITING);
      await delay(UNSEEN_MS);
      assert.ok(!waiting.answered && !isAsked(life, waiting.session), "it waits");
    });
    for (const watcher of watchers) watcher.hangUp();
    life.books.verify("before the start");
    assert.ok(await life.start());
    await life.books.check("all states");
    t.diagnostic(`attempts: ${watchers.length}`);
  });

  test("all of it comes out the same when it is derived again", () => assertRebuilt(life));
});
