import assert from "node:assert/strict";
import { test } from "node:test";
import type { Block } from "./request.ts";
import { readRequest } from "./request.ts";
import type { Say } from "./script.ts";
import { nextSay } from "./script.ts";

function tool(
  name: string,
  properties: readonly string[],
  required: readonly string[] = [],
): object {
  const entries = properties.map((property) => [property, { type: "string" }] as const);
  const schema = { type: "object", properties: Object.fromEntries(entries), required };
  return { name, input_schema: schema };
}

const BASH = tool("Bash", ["command", "description"]);
const READ = tool("Read", ["file_path", "limit"]);
const AGENT = tool("Agent", ["description", "prompt", "run_in_background"]);
const TASK = tool("Task", ["description", "prompt", "subagent_type"], ["prompt", "subagent_type"]);
const WRITE = tool("Write", ["file_path", "content"]);
const EDIT = tool("Edit", ["file_path", "old_string", "new_string"]);
const ALL = [AGENT, BASH, EDIT, READ, WRITE];
const LISTING = "/srv/ada\nREADME.md\nsrc/\nzeta.ts";

interface Message {
  readonly role: string;
  readonly content: string | readonly Block[];
}

function say(tools: readonly object[], messages: readonly Message[], more: object = {}): Say {
  const body = { model: "m", max_tokens: 100, tools, messages, ...more };
  return nextSay(readRequest(Buffer.from(JSON.stringify(body)), "answer"));
}

function user(text: string): Message {
  return { role: "user", content: text };
}

let calls = 0;
/** A call and its result, as two messages. */
function done(name: string, input: object, result: string, isError = false): Message[] {
  const id = `toolu_${++calls}`;
  return [
    { role: "assistant", content: [{ type: "tool_use", id, name, input }] },
    {
      role: "user",
      content: [{ type: "tool_result", tool_use_id: id, content: result, is_error: isError }],
    },
  ];
}

const looked = (): Message[] => done("Bash", { command: "pwd && ls -1p" }, LISTING);
const read = (): Message[] => done("Read", { file_path: "/srv/ada/README.md" }, "# Title");
const asked = (): Message[] => done("Agent", {}, "done");

test("the tour: Bash, Read, a subagent, last words", () => {
  const messages = [user("look around")];
  assert.equal(say(ALL, messages).call?.name, "Bash");
  messages.push(...looked());
  assert.deepEqual(say(ALL, messages).call, {
    name: "Read",
    input: { file_path: "/srv/ada/README.md", limit: 40 },
  });
  messages.push(...read());
  const agent = say(ALL, messages).call;
  assert.equal(agent?.name, "Agent");
  assert.equal(agent.input["run_in_background"], false);
  messages.push(...asked());
  const last = say(ALL, messages);
  assert.equal(last.call, null);
  assert.match(last.text, /Bash, Read, Agent.*no real model was called and no money was spent/);
});

test("steps taken in another order are not repeated", () => {
  const messages = [user("look around"), ...asked(), ...looked(), ...read()];
  assert.equal(say(ALL, messages).call, null);
});

test("several results in one turn count", () => {
  const [call1, result1] = looked();
  const [call2, result2] = asked();
  const merge = (...messages: (Message | undefined)[]): Block[] =>
    messages.flatMap((message) => (typeof message?.content === "object" ? message.content : []));
  const messages = [
    user("look around"),
    { role: "assistant", content: merge(call1, call2) },
    { role: "user", content: merge(result2, result1) },
  ];
  assert.equal(say(ALL, messages).call?.name, "Read");
});

test("a further prompt starts over; reminders, notices and text beside results do not", () => {
  const tour = [user("look around"), ...looked(), ...read(), ...asked()];
  assert.equal(say(ALL, [...tour, user("again")]).call?.name, "Bash");
  for (const text of ["<system-reminder>x</system-reminder>", "<task-notification>x"]) {
    assert.equal(say(ALL, [...tour, user(text)]).call, null, text);
  }
  const [call, result] = looked();
  const blocks = typeof result?.content === "object" ? result.content : [];
  const commented = { role: "user", content: [...blocks, { type: "text", text: "hurry" }] };
  const messages = [user("go"), call ?? user(""), commented];
  assert.equal(say(ALL, messages).call?.name, "Read");
});

test("files are written only where the prompt speaks of an edit", () => {
  const tour = [...looked(), ...read(), ...asked()];
  assert.equal(say(ALL, [user("credit and editors"), ...tour]).call, null);
  const messages = [user("please edit a file"), ...tour];
  const write = say(ALL, messages).call;
  assert.equal(write?.name, "Write");
  const path = String(write.input["file_path"]);
  assert.match(path, /^\/srv\/ada\/tollgate-rehearsal-\w+\.txt$/);
  messages.push(...done("Write", write.input, "ok"));
  const edit = say(ALL, messages).call;
  assert.deepEqual([edit?.name, edit?.input["file_path"]], ["Edit", path]);
  assert.ok(String(write.input["content"]).includes(String(edit?.input["old_string"])));
  messages.push(...done("Edit", edit?.input ?? {}, "ok"));
  assert.equal(say(ALL, messages).call, null);
});

test("an edit in an earlier prompt does not count for this one", () => {
  const messages = [user("edit"), user("look"), ...looked(), ...read(), ...asked()];
  assert.equal(say(ALL, messages).call, null);
});

test("a subagent looks once and reports", () => {
  const prompt = String(say([AGENT], [user("x")]).call?.input["prompt"]);
  assert.deepEqual(say(ALL, [user(prompt)]).call?.name, "Bash");
  const last = say(ALL, [user(prompt), ...looked()]);
  assert.equal(last.call, null);
  assert.match(last.text, /rehearsal subagent is done: the directory listing had 4 lines/);
});

test("steps whose tool is missing, failed, or has nothing to work on are left out", () => {
  assert.equal(say([READ, AGENT], [user("x")]).call?.name, "Agent");
  const failed = done("Bash", { command: "pwd && ls -1p" }, "denied", true);
  assert.equal(say(ALL, [user("x"), ...failed]).call?.name, "Agent");
  const bare = done("Bash", { command: "pwd && ls -1p" }, "/srv/ada\nsrc/\nphoto.png");
  assert.equal(say(ALL, [user("x"), ...bare]).call?.name, "Agent");
  assert.match(say([BASH], [user("x"), ...failed]).text, /Bash \(failed\)/);
});

test("an input has only what the tool's schema knows", () => {
  const task = say([TASK], [user("x")]).call;
  assert.deepEqual(Object.keys(task?.input ?? {}).sort(), [
    "description",
    "prompt",
    "subagent_type",
  ]);
  const agent = say([AGENT], [user("x")]).call;
  assert.ok(!("subagent_type" in (agent?.input ?? {})));
});

test("unknown tools are not called unless the caller insists", () => {
  const drop = tool("drop_database", ["name"], ["name"]);
  assert.equal(say([drop], [user("x")]).call, null);
  const any = say([drop], [user("x")], { tool_choice: { type: "any" } });
  assert.deepEqual(any.call, { name: "drop_database", input: { name: "rehearsal" } });
  const named = { tool_choice: { type: "tool", name: "Read" } };
  assert.equal(say(ALL, [user("x")], named).call?.name, "Read");
  assert.equal(say(ALL, [user("x")], { tool_choice: { type: "none" } }).call, null);
});

test("a compaction gets a summary, also beside a tool's result", () => {
  const order = "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.";
  const [call, result] = looked();
  const blocks = typeof result?.content === "object" ? result.content : [];
  const ordered = { role: "user", content: [...blocks, { type: "text", text: order }] };
  for (const messages of [
    [user("x"), call ?? user(""), ordered],
    [user("x"), user(order)],
  ]) {
    const last = say(ALL, messages);
    assert.equal(last.call, null);
    assert.match(last.text, /<summary>[^]*rehearsal[^]*<\/summary>/);
  }
});

test("a request for JSON gets JSON, whatever tools there are", () => {
  const schema = { type: "object", properties: { title: {} }, required: ["title"] };
  const format = { output_config: { format: { type: "json_schema", schema } } };
  assert.equal(say([], [user("x")], format).text, '{"title":"Rehearsal session"}');
  assert.equal(say(ALL, [user("x")], format).text, '{"title":"Rehearsal session"}');
});
