/** The bound's facts read from a parsed body, by plain recursion: the oracle for those of the scan. */
import type { ServerTool } from "../../src/core/body-facts.ts";

export interface ReferenceFacts {
  readonly tools: number;
  readonly images: number;
  readonly opaqueInput: boolean;
  readonly cacheMarkers: "none" | "5m" | "1h";
  readonly compaction: boolean;
  readonly serverTools: readonly ServerTool[];
  readonly providerTools: number;
}

/** What an object is, by where it stands. */
type Place = "plain" | "message" | "block" | "tool" | "mcp";
type Json = Readonly<Record<string, unknown>>;

const ENTRY_PLACES: Readonly<Record<string, Place>> = {
  messages: "message",
  tools: "tool",
  mcp_servers: "mcp",
};
const OPAQUE_TYPE =
  /^(document|file|url|container_upload|redacted_thinking|encrypted_code_execution_result|advisor_redacted_result)$/;
const KNOWN_TYPE =
  /^(text|tool_use|tool_result|thinking|ephemeral|base64|custom|direct|object|tool_definition|tool_addition)$/;
const HARMLESS_EDIT = /^(clear_.*|input_tokens|tool_uses|thinking_turns|all|none)$/;
const CLIENT_TOOL =
  /^(bash|text_editor|computer|computer_toolset|browser_toolset|memory)_\d+$|^mcp_toolset$/;

/** Facts of a body without repeated keys. */
export function referenceFacts(body: Json): ReferenceFacts {
  const gathered = new Gathered();
  gathered.opaqueInput = isPresent(body["container"]) || isPresent(body["thread"]);
  gathered.compaction = isPresent(body["compaction"]);
  gathered.hasMarker = isPresent(body["cache_control"]);
  for (const [key, value] of Object.entries(body)) {
    gathered.mayDefineTools = key === "messages" && Array.isArray(value);
    if (!Array.isArray(value)) gathered.walk(value, "plain", key);
    else for (const entry of value) gathered.walk(entry, ENTRY_PLACES[key] ?? "plain", key);
  }
  return gathered;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

class Gathered implements ReferenceFacts {
  tools = 0;
  images = 0;
  opaqueInput = false;
  compaction = false;
  hasMarker = false;
  isHour = false;
  providerTools = 0;
  readonly serverTools: ServerTool[] = [];
  /** The list of messages is being walked. */
  mayDefineTools = false;

  get cacheMarkers(): ReferenceFacts["cacheMarkers"] {
    if (this.isHour) return "1h";
    return this.hasMarker ? "5m" : "none";
  }

  /** `region` is the top-level key. */
  walk(value: unknown, place: Place, region: string): void {
    if (Array.isArray(value)) {
      for (const entry of value) this.walk(entry, "plain", region);
    }
    if (!isObject(value)) return;
    if (place === "tool") this.#readTool(value);
    if (place === "mcp") this.serverTools.push({ type: "mcp", maxUses: null, model: null });
    for (const [key, inner] of Object.entries(value)) {
      this.#readMember(key, inner);
      if (key === "type" && typeof inner === "string" && place !== "tool" && place !== "mcp") {
        this.#readType(inner, region);
      }
      if (!isArguments(key, place)) this.#walkMember(key, inner, { place, region });
    }
  }

  #walkMember(
    key: string,
    value: unknown,
    { place, region }: { readonly place: Place; readonly region: string },
  ): void {
    if (place === "message" && key === "content" && Array.isArray(value)) {
      for (const entry of value) this.walk(entry, "block", region);
      return;
    }
    const isTool = key === "definition" && this.mayDefineTools && place !== "tool";
    this.walk(value, isTool ? "tool" : "plain", region);
  }

  #readMember(key: string, value: unknown): void {
    if (/^(cache_control|caching)$/.test(key) && value !== null) this.hasMarker = true;
    if (key === "ttl" && value !== null && value !== "5m") this.isHour = true;
    if (/^(file_id|encrypted_content|encrypted_stdout)$/.test(key) && typeof value === "string") {
      this.opaqueInput = true;
    }
  }

  #readType(type: string, region: string): void {
    if (type === "image") this.images += 1;
    else if (OPAQUE_TYPE.test(type)) this.opaqueInput = true;
    else if (type.startsWith("compact_")) this.compaction = true;
    else if (!KNOWN_TYPE.test(type)) {
      if (region === "messages" || region === "system") this.opaqueInput = true;
      if (region === "context_management" && !HARMLESS_EDIT.test(type)) this.compaction = true;
    }
  }

  #readTool(tool: Json): void {
    this.tools += 1;
    const { type, model, max_uses: maxUses } = tool;
    if (typeof type !== "string" || type === "custom") return;
    this.providerTools += 1;
    if (CLIENT_TOOL.test(type)) return;
    this.serverTools.push({
      type,
      maxUses: typeof maxUses === "number" ? maxUses : null,
      model: typeof model === "string" ? model : null,
    });
  }
}

/** What a tool is called with, or may be: text to the provider. */
function isArguments(key: string, place: Place): boolean {
  if (place === "block") return key === "input";
  return place === "tool" && (key === "input_schema" || key === "input_examples");
}
