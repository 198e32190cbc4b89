/** Reads an answer of the Messages API, whole or streamed, and holds a stream to the API's grammar. */
import assert from "node:assert/strict";
import type { RawAnswer } from "../harness/raw-request.ts";

type Json = Readonly<Record<string, unknown>>;

export interface AnswerBlock {
  readonly type: string;
  readonly text?: string;
  readonly thinking?: string;
  readonly signature?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: unknown;
}

export interface ReadAnswer {
  readonly model: string;
  readonly content: readonly AnswerBlock[];
  readonly stopReason: string | null;
  readonly usage: Readonly<Record<string, number>>;
}

interface Building {
  readonly opening: Json;
  text: string;
  thinking: string;
  signature: string;
  json: string;
}

/** The message in a whole answer, or in all events of a stream. */
export function messageIn(answer: RawAnswer): ReadAnswer {
  assert.equal(answer.status, 200, answer.body.toString("utf8"));
  const isStream = String(answer.headers["content-type"]).startsWith("text/event-stream");
  if (isStream) return streamed(eventsIn(answer.body.toString("utf8")));
  const whole = answer.json() as Json;
  assert.deepEqual([whole["type"], whole["role"]], ["message", "assistant"]);
  return {
    model: String(whole["model"]),
    content: whole["content"] as readonly AnswerBlock[],
    stopReason: whole["stop_reason"] as string | null,
    usage: whole["usage"] as ReadAnswer["usage"],
  };
}

/** Events of a body, pings left out; each event's name is its data's type. */
function eventsIn(body: string): readonly Json[] {
  const events: Json[] = [];
  for (const frame of body.split(/\n\n/).filter((each) => each.trim() !== "")) {
    const [name = "", data = ""] = frame.split("\n");
    const event = JSON.parse(data.replace(/^data: /, "")) as Json;
    assert.equal(name, `event: ${String(event["type"])}`, frame);
    if (event["type"] !== "ping") events.push(event);
  }
  return events;
}

function streamed(events: readonly Json[]): ReadAnswer {
  const [start, ...rest] = events;
  assert.equal(start?.["type"], "message_start");
  assert.deepEqual(
    rest.slice(-2).map(({ type }) => type),
    ["message_delta", "message_stop"],
    JSON.stringify(events),
  );
  const message = start["message"] as Json;
  const blocks: Building[] = [];
  let open = -1;
  for (const event of rest.slice(0, -2)) {
    const index = Number(event["index"]);
    if (event["type"] === "content_block_start") {
      assert.deepEqual([open, index], [-1, blocks.length], "blocks come one after the other");
      open = index;
      const opening = event["content_block"] as Json;
      blocks.push({ opening, text: "", thinking: "", signature: "", json: "" });
    } else if (event["type"] === "content_block_stop") {
      assert.equal(index, open);
      open = -1;
    } else {
      assert.deepEqual([event["type"], index], ["content_block_delta", open]);
      const block = blocks[index];
      assert.ok(block !== undefined);
      add(block, event["delta"] as Json);
    }
  }
  const closing = events.at(-2) ?? {};
  return {
    model: String(message["model"]),
    content: blocks.map(built),
    stopReason: (closing["delta"] as Json)["stop_reason"] as string | null,
    usage: closing["usage"] as ReadAnswer["usage"],
  };
}

function add(block: Building, delta: Json): void {
  switch (delta["type"]) {
    case "text_delta":
      block.text += String(delta["text"]);
      break;
    case "thinking_delta":
      block.thinking += String(delta["thinking"]);
      break;
    case "signature_delta":
      block.signature += String(delta["signature"]);
      break;
    default:
      assert.equal(delta["type"], "input_json_delta");
      block.json += String(delta["partial_json"]);
  }
}

function built({ opening, text, thinking, signature, json }: Building): AnswerBlock {
  const type = String(opening["type"]);
  if (type === "text") return { type, text };
  if (type === "thinking") return { type, thinking, signature };
  if (type !== "tool_use") return { ...opening, type };
  const { id, name } = opening;
  return {
    type,
    id: String(id),
    name: String(name),
    input: JSON.parse(json === "" ? "{}" : json) as unknown,
  };
}
