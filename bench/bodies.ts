/** Request bodies in the shape that Claude Code sends, in any size; the same for the same size. */

export interface BodyShape {
  /** Of the whole JSON text; met exactly. */
  readonly bytes: number;
  readonly stream: boolean;
}

/** Sizes that the benchmark knows: a small one, a usual one, and median and 90th percentile of sessions. */
export const BODY_SIZES = {
  "4 kB": 4_000,
  "100 kB": 100_000,
  "264 kB": 264_000,
  "834 kB": 834_000,
};

/** Tool definitions of a session, by how much else there is: 31 kB with tool search, 71 kB without. */
const TOOLS_SHARE = 0.3;
const TOOLS_BYTES_MIN = 31_000;
const TOOLS_BYTES_MAX = 71_000;
const SYSTEM_SHARE = 0.1;
const SYSTEM_BYTES_MAX = 6_000;
const RESULT_BYTES = 4_000;
const DEVICE = "d5f1c0a9e7b34d6f8a2b1c0d9e8f7a6b";
const ACCOUNT = "0b8a1b54-2f1e-4f57-9d8e-3a6c5b4d2e1f";

/** Prose with the few characters beyond ASCII that prompts hold. */
const PROSE = [
  "You are an interactive agent that helps with software engineering tasks — read before you write.",
  'Use "Edit" for changes of existing files and never guess a path; look it up first.',
  "When a command fails, say what failed and what you will try next…",
  "Prefer small steps: one change, one run of the tests, one look at the result ✓.",
] as const;

/** Source as a tool result shows it: a line number, a tab, quotes, short lines. */
const SOURCE = [
  'import { readFile, writeFile } from "node:fs/promises";',
  "export async function load(path: string): Promise<Settings> {",
  '  const text = await readFile(path, "utf8");',
  "  const parsed: unknown = JSON.parse(text);",
  '  if (!isSettings(parsed)) throw new Error(`not settings: "${path}"`);',
  "  return { ...DEFAULTS, ...parsed, loadedAt: Date.now() };",
  "}",
  "// The greatest value wins (größer first) — keep the order of the entries as it is in the table below.",
  "const ENTRIES = [first, second, third].filter((entry) => entry.enabled && entry.weight > 0);",
  "export function merge(left: Settings, right: Partial<Settings>): Settings {",
  "  return Object.fromEntries(Object.entries({ ...left, ...right }).toSorted(byName)) as Settings;",
] as const;

/** A `POST /v1/messages` body of exactly `bytes` bytes. */
export function messagesBody({ bytes, stream }: BodyShape): Buffer {
  const toolBytes = Math.min(
    bytes * TOOLS_SHARE,
    Math.max(TOOLS_BYTES_MIN, Math.min(TOOLS_BYTES_MAX, bytes / 4)),
  );
  const tools = toolsOf(toolBytes);
  const system = systemOf(Math.min(SYSTEM_BYTES_MAX, bytes * SYSTEM_SHARE));
  const write = (resultBytes: number, padding: string): Buffer => {
    const messages = messagesOf(resultBytes, padding);
    return Buffer.from(JSON.stringify(bodyOf({ messages, system, tools, stream })));
  };
  const empty = write(0, "").length;
  let resultBytes = Math.max(0, bytes - empty);
  let body = write(resultBytes, "");
  // Escapes and further turns take room of their own: come down to below the size, then pad.
  while (body.length > bytes && resultBytes > 0) {
    resultBytes = Math.max(0, resultBytes - (body.length - bytes));
    body = write(resultBytes, "");
  }
  if (body.length > bytes) throw new RangeError(`no body is as small as ${bytes} bytes`);
  return write(resultBytes, "x".repeat(bytes - body.length));
}

/** The body in pieces of the size that a socket gives. */
export function chunksOf(body: Buffer, chunkBytes = 65_536): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += chunkBytes)
    chunks.push(Buffer.from(body.subarray(at, at + chunkBytes)));
  return chunks;
}

interface Parts {
  readonly messages: readonly unknown[];
  readonly system: readonly unknown[];
  readonly tools: readonly unknown[];
  readonly stream: boolean;
}

/** Keys in the client's order. */
function bodyOf({ messages, system, tools, stream }: Parts): object {
  const userId = { device_id: DEVICE, account_uuid: "", session_id: ACCOUNT };
  return {
    model: "claude-sonnet-5-5",
    messages,
    system,
    tools,
    metadata: { user_id: JSON.stringify(userId) },
    max_tokens: 32_000,
    thinking: { type: "adaptive" },
    output_config: { effort: "medium" },
    stream,
  };
}

const CACHED = { cache_control: { type: "ephemeral" } } as const;

function systemOf(bytes: number): unknown[] {
  return [
    { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli;" },
    { type: "text", text: "You are Claude Code, Anthropic's official CLI.", ...CACHED },
    { type: "text", text: fill(PROSE, bytes, " "), ...CACHED },
  ];
}

/** A prompt, then turns of one tool call and its result; the last block carries the third marker. */
function messagesOf(resultBytes: number, padding: string): unknown[] {
  const messages: unknown[] = [{ role: "user", content: "Find out why the settings are lost." }];
  let left = resultBytes;
  for (let turn = 0; left > 0; turn++) {
    const bytes = Math.min(left, RESULT_BYTES);
    left -= bytes;
    const id = `toolu_01${String(turn).padStart(22, "0")}`;
    const input = { file_path: `/srv/project/src/settings/load-${turn}.ts` };
    const result = { type: "tool_result", tool_use_id: id, content: numbered(bytes) };
    messages.push(
      {
        role: "assistant",
        content: [
          { type: "text", text: "I will read the next file." },
          { type: "tool_use", id, name: "Read", input },
        ],
      },
      { role: "user", content: [result] },
    );
  }
  const last = { type: "text", text: `Go on.${padding}`, ...CACHED };
  messages.push({ role: "user", content: [last] });
  return messages;
}

function numbered(bytes: number): string {
  let text = "";
  for (let line = 1; text.length < bytes; line++)
    text += `${String(line).padStart(6)}\t${SOURCE[line % SOURCE.length] ?? ""}\n`;
  return text.slice(0, bytes);
}

function toolsOf(bytes: number): unknown[] {
  const tools: unknown[] = [];
  for (let size = 0, index = 0; size < bytes; index++) {
    const room = bytes - size;
    const tool = toolOf(index, Math.min(room, 1_500));
    tools.push(tool);
    size += JSON.stringify(tool).length + 1;
  }
  return tools;
}

function toolOf(index: number, descriptionBytes: number): object {
  const property = (name: string) => ({ type: "string", description: `The ${name} to work on.` });
  return {
    name: `Tool${index}`,
    description: fill(PROSE, descriptionBytes * 0.6, "\n"),
    input_schema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        file_path: property("file"),
        pattern: property("pattern"),
        mode: { type: "string", enum: ["content", "files", "count"], default: "files" },
        limit: { type: "integer", minimum: 0, maximum: 9_007_199_254_740_991 },
        options: { type: "object", properties: { all: { type: "boolean" } } },
      },
      required: ["file_path"],
      additionalProperties: false,
    },
  };
}

function fill(lines: readonly string[], length: number, between: string): string {
  let text = "";
  for (let index = 0; text.length < length; index++)
    text += `${lines[index % lines.length] ?? ""}${between}`;
  return text.slice(0, Math.max(0, Math.floor(length)));
}
