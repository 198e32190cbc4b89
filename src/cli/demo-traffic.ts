/** Developers at work, made up: sessions whose history grows as Claude Code's does, at a calm pace. */
import type { Developer } from "./demo-place.ts";

interface Message {
  readonly role: "user" | "assistant";
  readonly content: readonly object[];
}

interface Sent {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly headers: Readonly<Record<string, string>>;
  readonly maxTokens: number;
  readonly tools: readonly object[];
}

/** Where the requests go, and when they end. */
export interface Workplace {
  /** Of the data plane. */
  readonly url: string;
  /** Pauses are divided by it. */
  readonly speed: number;
  readonly signal: AbortSignal;
}

const MAX_TOKENS = 32_000;
const SMALL_MODEL = "claude-haiku-4-5";
const TITLE_TOKENS = 100;
const TURNS = { least: 5, most: 14 };
const THINKING_MS = { least: 2000, most: 6000 };
const BETWEEN_SESSIONS_MS = { least: 4000, most: 12_000 };
const AFTER_REFUSAL_MS = { least: 12_000, most: 20_000 };
const RESULT_CHARACTERS = { least: 800, most: 12_000 };
const SYSTEM_CHARACTERS = 28_000;
const SUBAGENT_SHARE = 0.15;
const TASKS = [
  "Add a retry to the upload client and cover it with a test.",
  "Why is the nightly job slower since Monday? Find out and fix it.",
  "Move the settings page to the new form components.",
  "The parser drops the last line without a newline: mend it.",
];
const LINE =
  "  const total = rows.reduce((sum, row) => sum + row.amount, 0); // checked in review\n";
const MARKER = { cache_control: { type: "ephemeral" } };
const TEXT = { type: "string" };
const TOOLS = [
  { name: "Bash", input_schema: { type: "object", properties: { command: TEXT } } },
  { name: "Read", input_schema: { type: "object", properties: { file_path: TEXT } } },
];

/** Works until the signal comes: session after session. */
export async function work(developer: Developer, place: Workplace): Promise<void> {
  const { signal } = place;
  const rest = (range: Range) => pause(between(range) / (place.speed * developer.haste), signal);
  while (!signal.aborted) {
    const isServed = await session(developer, place, () => rest(THINKING_MS));
    await rest(isServed ? BETWEEN_SESSIONS_MS : AFTER_REFUSAL_MS);
  }
}

/** One task from its prompt to its end; false where it was refused on the way. */
async function session(
  { model, secret }: Developer,
  place: Workplace,
  think: () => Promise<void>,
): Promise<boolean> {
  const headers = { "x-api-key": secret, "x-claude-code-session-id": crypto.randomUUID() };
  const task = TASKS[between({ least: 0, most: TASKS.length - 1 })] ?? "";
  const messages: Message[] = [{ role: "user", content: [{ type: "text", text: task }] }];
  const title = { ...headers, "x-claude-code-request-class": "title" };
  const small = { model: SMALL_MODEL, maxTokens: TITLE_TOKENS, tools: [] };
  await send(place, { ...small, messages, headers: title });
  const turns = between(TURNS);
  for (let turn = 0; turn < turns && !place.signal.aborted; turn++) {
    const main = { model, maxTokens: MAX_TOKENS, tools: TOOLS };
    if (!(await send(place, { ...main, messages, headers }))) return false;
    if (Math.random() < SUBAGENT_SHARE) {
      const agent = { ...headers, "x-claude-code-agent-id": crypto.randomUUID() };
      const prompt = [messages[0] ?? { role: "user" as const, content: [] }];
      await send(place, { ...main, messages: prompt, headers: agent });
    }
    messages.push(...toolTurn(turn));
    await think();
  }
  return true;
}

/** A tool call and its result, made up: the history grows whatever the model has said. */
function toolTurn(turn: number): Message[] {
  const id = `toolu_demo${turn}`;
  const call = { type: "tool_use", id, name: "Read", input: { file_path: `src/part-${turn}.ts` } };
  const result = {
    type: "tool_result",
    tool_use_id: id,
    content: filler(between(RESULT_CHARACTERS)),
  };
  return [
    { role: "assistant", content: [{ type: "text", text: "I look at the next file." }, call] },
    { role: "user", content: [result] },
  ];
}

/** Sends a turn and reads its answer to the end; false where it was refused, or all is over. */
async function send(place: Workplace, { model, messages, headers, maxTokens, tools }: Sent) {
  const system = [{ type: "text", text: filler(SYSTEM_CHARACTERS), ...MARKER }];
  const body = {
    model,
    max_tokens: maxTokens,
    stream: true,
    system,
    tools,
    messages: marked(messages),
  };
  try {
    const answer = await fetch(`${place.url}/anthropic/v1/messages`, {
      method: "POST",
      headers: {
        ...headers,
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
      },
      body: JSON.stringify(body),
      signal: place.signal,
    });
    await answer.text();
    return answer.ok;
  } catch (error) {
    // The gateway is gone or about to be: whoever waits for it ends this, too.
    if (place.signal.aborted || error instanceof TypeError) return false;
    throw error;
  }
}

/** The last block carries the cache marker, as at the end of each of Claude Code's turns. */
function marked(messages: readonly Message[]): Message[] {
  return messages.map((message, index) => {
    if (index < messages.length - 1) return message;
    const last = message.content.length - 1;
    const content = message.content.map((block, at) =>
      at < last ? block : { ...block, ...MARKER },
    );
    return { ...message, content };
  });
}

interface Range {
  readonly least: number;
  readonly most: number;
}

/** A whole number of the range, both ends included. */
function between({ least, most }: Range): number {
  return least + Math.floor(Math.random() * (most - least + 1));
}

function filler(characters: number): string {
  return LINE.repeat(Math.ceil(characters / LINE.length)).slice(0, characters);
}

/** Resolves after the time, or at once when the signal comes. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
