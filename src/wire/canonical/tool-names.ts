/** Shortens tool names that other dialects refuse, and restores them in answers. */
import { createHash } from "node:crypto";
import type { Block, CanonicalRequest, ToolChoice } from "./request.ts";

/**
 * The longest name that OpenAI, Gemini and Converse all take; the Messages API takes 128, which tools of
 * MCP servers use up. Source: the function and tool references of the three, 2026-11.
 */
const NAME_MAX_CHARACTERS = 64;
const KEPT_CHARACTERS = 51;
const HASH_CHARACTERS = 12;

/** A request whose tool names all fit, and how to find the client's own. */
export interface FittedNames {
  readonly request: CanonicalRequest;
  /** Name upstream → name at the client; null where none had to change. */
  readonly originals: ReadonlyMap<string, string> | null;
}

/**
 * The request with every long tool name shortened: in declarations, in the choice and in earlier calls.
 * One name always becomes the same one: its first 51 characters, "_", and 12 digits of its hash.
 */
export function fitToolNames(request: CanonicalRequest): FittedNames {
  const originals = new Map<string, string>();
  for (const name of namesIn(request))
    if (name.length > NAME_MAX_CHARACTERS) originals.set(shortened(name), name);
  if (originals.size === 0) return { request, originals: null };
  return {
    originals,
    request: {
      ...request,
      tools: request.tools.map((tool) => ({ ...tool, name: fitted(tool.name) })),
      toolChoice: fittedChoice(request.toolChoice),
      turns: request.turns.map((turn) => ({ ...turn, blocks: turn.blocks.map(fittedBlock) })),
    },
  };
}

function* namesIn({ tools, toolChoice, turns }: CanonicalRequest): Iterable<string> {
  for (const { name } of tools) yield name;
  if (toolChoice?.kind === "tool") yield toolChoice.name;
  for (const { blocks } of turns)
    for (const block of blocks) if (block.type === "tool_use") yield block.name;
}

function fittedChoice(choice: ToolChoice | null): ToolChoice | null {
  return choice?.kind === "tool" ? { ...choice, name: fitted(choice.name) } : choice;
}

function fittedBlock(block: Block): Block {
  return block.type === "tool_use" ? { ...block, name: fitted(block.name) } : block;
}

function fitted(name: string): string {
  return name.length > NAME_MAX_CHARACTERS ? shortened(name) : name;
}

function shortened(name: string): string {
  const hash = createHash("sha256").update(name).digest("hex").slice(0, HASH_CHARACTERS);
  return `${name.slice(0, KEPT_CHARACTERS)}_${hash}`;
}
