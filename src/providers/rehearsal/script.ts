/** What the rehearsal model says next: a short tour of tools, then a word on what it was. */
import { systemClock } from "../../core/time.ts";
import { readConversation } from "./conversation.ts";
import type { Conversation, FinishedCall } from "./conversation.ts";
import type { OfferedTool, RehearsalRequest } from "./request.ts";
import { sampleOf } from "./sample.ts";

/** The next turn of the assistant, before it has ids, signatures and a length limit. */
export interface Say {
  readonly thinking: string;
  readonly text: string;
  readonly call: {
    readonly name: string;
    readonly input: Readonly<Record<string, unknown>>;
  } | null;
}

/** Begins the prompt of the subagent, so that its own session is recognised by what it was asked. */
const SUBAGENT_MARK = "Rehearsal subagent:";
const LOOK = "pwd && ls -1p";
const AGENT_TOOLS = ["Agent", "Task"];
const READABLE = /\.(md|txt|json|toml|ya?ml|[cm]?[jt]sx?|py|go|rs|java|rb|c|h|sh)$/i;
const SUMMARY_WANTED =
  /respond with text only|create a detailed summary of (the|our|this) conversation/i;
const DISCLAIMER =
  "This was Tollgate's rehearsal provider: no real model was called and no money was spent.";

/** Decides by what the request offers and by what has been done since its last prompt. */
export function nextSay(request: RehearsalRequest): Say {
  const conversation = readConversation(request.turns);
  if (request.toolChoice.kind !== "none") {
    const step = forcedCall(request) ?? nextStep(request, conversation);
    if (step !== null) return step;
  }
  const thinking = "All that was to be shown has been shown, so I sum it up.";
  return { thinking, text: lastWords(request, conversation), call: null };
}

function forcedCall(request: RehearsalRequest): Say | null {
  const choice = request.toolChoice;
  if (choice.kind !== "any" && choice.kind !== "tool") return null;
  const wanted = choice.kind === "tool" ? choice.name : request.tools[0]?.name;
  const tool = request.tools.find(({ name }) => name === wanted);
  if (tool === undefined) return null;
  const input = sampleOf(tool.schema) as Readonly<Record<string, unknown>>;
  return { thinking: "A tool call was asked for.", text: "", call: { name: tool.name, input } };
}

type Step = (request: RehearsalRequest, conversation: Conversation) => Say | null;

/** Each step stands aside where its tool is missing, was used, or has nothing to work on. */
const TOUR: readonly Step[] = [lookAround, readFile, askSubagent, writeScratch, editScratch];
const SUBAGENT_TOUR: readonly Step[] = [lookAround];

function nextStep(request: RehearsalRequest, conversation: Conversation): Say | null {
  if (SUMMARY_WANTED.test(conversation.lastText) || request.schema !== null) return null;
  const tour = conversation.prompt.startsWith(SUBAGENT_MARK) ? SUBAGENT_TOUR : TOUR;
  for (const step of tour) {
    const say = step(request, conversation);
    if (say !== null) return say;
  }
  return null;
}

function lookAround(request: RehearsalRequest, conversation: Conversation): Say | null {
  const tool = unused(request, conversation, ["Bash"]);
  if (tool === null) return null;
  return {
    thinking:
      "This is a rehearsal. A look at the working directory harms nothing and shows a tool.",
    text: "[rehearsal] I look at the working directory.",
    call: call(tool, { command: LOOK, description: "Show the working directory and its files" }),
  };
}

function readFile(request: RehearsalRequest, conversation: Conversation): Say | null {
  const tool = unused(request, conversation, ["Read"]);
  const path = fileToRead(conversation);
  if (tool === null || path === null) return null;
  return {
    thinking: "One of the files will do to show reading.",
    text: "[rehearsal] I read the beginning of one file.",
    call: call(tool, { file_path: path, limit: 40 }),
  };
}

function askSubagent(request: RehearsalRequest, conversation: Conversation): Say | null {
  const tool = unused(request, conversation, AGENT_TOOLS);
  if (tool === null) return null;
  const prompt = `${SUBAGENT_MARK} list the working directory once and say how many lines that gave.`;
  const required = tool.schema["required"];
  const typed = Array.isArray(required) && required.includes("subagent_type");
  const input = { description: "Rehearse a subagent", prompt, run_in_background: false };
  return {
    thinking: "A subagent has a session of its own, with its own costs.",
    text: "[rehearsal] I start one subagent.",
    call: call(tool, typed ? { ...input, subagent_type: "general-purpose" } : input),
  };
}

function writeScratch(request: RehearsalRequest, conversation: Conversation): Say | null {
  const tool = unused(request, conversation, ["Write"]);
  const directory = listing(conversation)?.directory;
  if (tool === null || directory === undefined || !wantsEdit(conversation)) return null;
  const path = `${directory}/tollgate-rehearsal-${systemClock.wallMs().toString(36)}.txt`;
  return {
    thinking: "The prompt speaks of an edit, so I make a scratch file to edit.",
    text: "[rehearsal] I write a scratch file.",
    call: call(tool, { file_path: path, content: "rehearsal: before the edit\n" }),
  };
}

function editScratch(request: RehearsalRequest, conversation: Conversation): Say | null {
  const tool = unused(request, conversation, ["Edit"]);
  const path = usedCall(conversation, ["Write"])?.input["file_path"];
  if (tool === null || typeof path !== "string" || !wantsEdit(conversation)) return null;
  return {
    thinking: "Now the edit itself.",
    text: "[rehearsal] I edit it.",
    call: call(tool, { file_path: path, old_string: "before", new_string: "after" }),
  };
}

/** Leaves out what the tool's schema does not know: names differ between client versions. */
function call(
  tool: OfferedTool,
  input: Readonly<Record<string, unknown>>,
): NonNullable<Say["call"]> {
  const properties = tool.schema["properties"];
  const known = (name: string): boolean =>
    typeof properties === "object" && properties !== null && name in properties;
  const entries = Object.entries(input).filter(([name]) => known(name));
  return { name: tool.name, input: Object.fromEntries(entries) };
}

function unused(
  request: RehearsalRequest,
  conversation: Conversation,
  names: readonly string[],
): OfferedTool | null {
  if (usedCall(conversation, names) !== undefined) return null;
  return request.tools.find((tool) => names.includes(tool.name)) ?? null;
}

function usedCall(conversation: Conversation, names: readonly string[]): FinishedCall | undefined {
  return conversation.calls.find(({ name }) => names.includes(name));
}

function wantsEdit(conversation: Conversation): boolean {
  return /\bedit\b/i.test(conversation.prompt);
}

function listing(conversation: Conversation): { directory: string; files: string[] } | null {
  const look = conversation.calls.find(({ input, failed }) => input["command"] === LOOK && !failed);
  const [directory, ...names] = look?.result.split("\n").map((line) => line.trim()) ?? [];
  if (directory === undefined || !directory.startsWith("/")) return null;
  return { directory, files: names.filter((name) => name !== "" && !name.endsWith("/")) };
}

function fileToRead(conversation: Conversation): string | null {
  const found = listing(conversation);
  if (found === null) return null;
  const readme = found.files.find((name) => /^readme/i.test(name));
  const file = readme ?? found.files.find((name) => READABLE.test(name));
  return file === undefined ? null : `${found.directory}/${file}`;
}

function lastWords(request: RehearsalRequest, conversation: Conversation): string {
  if (request.schema !== null) return JSON.stringify(sampleOf(request.schema));
  const { prompt, lastText, calls } = conversation;
  const done = calls.map(({ name, failed }) => `${name}${failed ? " (failed)" : ""}`).join(", ");
  if (SUMMARY_WANTED.test(lastText)) {
    return `<analysis>\nNothing to weigh.\n</analysis>\n<summary>\nA rehearsal session. ${DISCLAIMER}\n</summary>`;
  }
  if (prompt.startsWith(SUBAGENT_MARK)) {
    const lines = calls[0]?.result.split("\n").length ?? 0;
    return `The rehearsal subagent is done: the directory listing had ${lines} lines.`;
  }
  if (calls.length === 0) {
    return `Hello from the rehearsal. Your prompt had ${prompt.length} characters. ${DISCLAIMER}`;
  }
  const cost = `The costs on record are what ${request.model} would have cost.`;
  return `The rehearsal is over. Tools that ran: ${done}. ${DISCLAIMER} ${cost}`;
}
