import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type {
  Block,
  CanonicalRequest,
  ResultPart,
  Thinking,
  Tool,
  ToolChoice,
  Turn,
} from "../canonical/request.ts";
import { gemini } from "./egress.ts";
import { encodeSignatures, NO_SIGNATURE } from "./signature.ts";

type Json = Record<string, unknown>;

/** A canonical request's parts that both dialects can say. */
type Sayable = Pick<
  CanonicalRequest,
  | "system"
  | "turns"
  | "tools"
  | "toolChoice"
  | "thinking"
  | "effort"
  | "schema"
  | "stopSequences"
  | "temperature"
  | "topP"
  | "topK"
>;

const plainText = (text: string) =>
  ({ type: "text", text, cached: false, cited: false }) as const satisfies Block;

// The inverse: reads a body of generateContent as a canonical request.

function readBody(json: Json): Sayable {
  const config = json["generationConfig"] as Json;
  const system = json["systemInstruction"] as { parts: { text: string }[] } | undefined;
  const tools = json["tools"] as { functionDeclarations: Json[] }[] | undefined;
  const thinking = config["thinkingConfig"] as Json | undefined;
  return {
    system: system?.parts.map(({ text }) => plainText(text)) ?? [],
    turns: (json["contents"] as { role: string; parts: Json[] }[]).map(readContent),
    tools: tools?.[0]?.functionDeclarations.map(readTool) ?? [],
    toolChoice: readChoice(json["toolConfig"] as Json | undefined),
    thinking: thinking?.["includeThoughts"] === true ? { mode: "adaptive" } : null,
    effort: orNull((thinking?.["thinkingLevel"] as string | undefined)?.toLowerCase()),
    schema: orNull(config["responseJsonSchema"] as Json | undefined),
    stopSequences: (config["stopSequences"] ?? []) as string[],
    temperature: orNull(config["temperature"] as number | undefined),
    topP: orNull(config["topP"] as number | undefined),
    topK: orNull(config["topK"] as number | undefined),
  };
}

function orNull<Value>(value: Value | undefined): Value | null {
  return value ?? null;
}

function readTool({ name, description, parametersJsonSchema }: Json): Tool {
  return {
    name: name as string,
    description: (description as string | undefined) ?? null,
    schema: parametersJsonSchema as Json,
    strict: false,
    cached: false,
  };
}

function readChoice(toolConfig: Json | undefined): ToolChoice | null {
  const config = toolConfig?.["functionCallingConfig"] as Json | undefined;
  if (config === undefined) return null;
  const allowed = config["allowedFunctionNames"] as string[] | undefined;
  if (allowed !== undefined) return { kind: "tool", name: allowed[0] ?? "" };
  return { kind: String(config["mode"]).toLowerCase() as "auto" | "any" | "none" };
}

function readContent({ role, parts }: { role: string; parts: Json[] }): Turn {
  return { role: role === "model" ? "assistant" : "user", blocks: parts.flatMap(readPart) };
}

function readPart(part: Json): Block[] {
  const own = part["thoughtSignature"] as string | undefined;
  const signature = own === NO_SIGNATURE ? undefined : own;
  if (part["thought"] === true) {
    const thought = encodeSignatures({ thought: signature }) ?? "";
    return [{ type: "thinking", text: part["text"] as string, signature: thought }];
  }
  const signed = encodeSignatures({ next: signature });
  const before: Block[] =
    signed === null ? [] : [{ type: "thinking", text: "", signature: signed }];
  return [...before, readBare(part)];
}

function readBare(part: Json): Block {
  const call = part["functionCall"] as Json | undefined;
  if (call !== undefined) {
    const { id, name, args } = call as { id: string; name: string; args: Json };
    return { type: "tool_use", id, name, input: args, cached: false };
  }
  const result = part["functionResponse"] as Json | undefined;
  if (result === undefined) return readMedia(part);
  const response = result["response"] as Json;
  const isError = "error" in response;
  const said = isError ? response["error"] : response["output"];
  const texts = (Array.isArray(said) ? said : [said]) as string[];
  const media = ((result["parts"] as Json[] | undefined) ?? []).map(readMedia) as ResultPart[];
  const parts = [...texts.map(plainText), ...media];
  return { type: "tool_result", toolUseId: result["id"] as string, isError, parts, cached: false };
}

function readMedia(part: Json): Block {
  if (typeof part["text"] === "string") return plainText(part["text"]);
  const inline = part["inlineData"] as { mimeType: string; data: string } | undefined;
  const file = part["fileData"] as { mimeType: string; fileUri: string } | undefined;
  const mediaType = inline?.mimeType ?? file?.mimeType ?? "";
  const source =
    inline === undefined
      ? ({ kind: "url", url: file?.fileUri ?? "" } as const)
      : ({ kind: "base64", mediaType, data: inline.data } as const);
  if (mediaType.startsWith("image/")) return { type: "image", source, cached: false };
  if (mediaType === "text/plain") {
    const text = Buffer.from(inline?.data ?? "", "base64").toString();
    return documentOf({ kind: "text", text });
  }
  return documentOf(source);
}

function documentOf(
  source: (Block & { type: "document" })["source"],
): Block & { type: "document" } {
  return { type: "document", source, title: null, context: null, cites: false, cached: false };
}

// What is generated.

const said = fc.string({ minLength: 1, unit: "binary" }).map((text) => text.toWellFormed());
const signature = fc.base64String({ minLength: 4 });
const data = fc.base64String();
const image = fc
  .oneof(
    fc.record({ kind: fc.constant("base64" as const), mediaType: fc.constant("image/png"), data }),
  )
  .map((source) => ({ type: "image", source, cached: false }) as const);
const linked = fc.constantFrom(
  {
    type: "image",
    source: { kind: "url", url: "https://a.example/b.png" },
    cached: false,
  } as const,
  documentOf({ kind: "url", url: "https://a.example/b.pdf" }),
);
const document = fc.oneof(
  data.map((base64) => documentOf({ kind: "base64", mediaType: "application/pdf", data: base64 })),
  said.map((text) => documentOf({ kind: "text", text })),
);
const args = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
const object = fc.record({ type: fc.constant("object"), properties: args });
const call = fc.record({ name: fc.constantFrom("Read", "Bash"), input: args });
const thought = fc.oneof(
  said.map((text) => ({ type: "thinking", text, signature: "" }) as const),
  fc.tuple(said, signature).map(([text, thought]) => ({
    type: "thinking" as const,
    text,
    signature: encodeSignatures({ thought }) ?? "",
  })),
);
const result = fc.record({
  isError: fc.boolean(),
  texts: fc.array(said, { minLength: 1, maxLength: 3 }),
  media: fc.array(fc.oneof(image, document), { maxLength: 2 }),
});
const exchange = fc.record({
  asked: fc.array(fc.oneof(said.map(plainText), image, linked, document), {
    minLength: 1,
    maxLength: 3,
  }),
  thoughts: fc.array(thought, { maxLength: 1 }),
  answered: fc.array(said.map(plainText), { minLength: 1, maxLength: 2 }),
  calls: fc.array(fc.tuple(call, result, fc.option(signature)), { maxLength: 3 }),
});

/** Turns of a conversation: questions, answers with calls, and the results at the next turn's head. */
const turns = fc.array(exchange, { minLength: 1, maxLength: 4 }).map((exchanges) => {
  const made: Turn[] = [];
  let results: Block[] = [];
  for (const [n, { asked, thoughts, answered, calls }] of exchanges.entries()) {
    made.push({ role: "user", blocks: [...results, ...asked] });
    const ids = calls.map((_, i) => `call_${n}_${i}`);
    const uses = calls.flatMap(([{ name, input }, , next], i): Block[] => {
      const signed = encodeSignatures({ next: next ?? undefined });
      const before: Block[] =
        signed === null ? [] : [{ type: "thinking", text: "", signature: signed }];
      return [...before, { type: "tool_use", id: ids[i]!, name, input, cached: false }];
    });
    made.push({ role: "assistant", blocks: [...thoughts, ...answered, ...uses] });
    results = calls.map(([, { isError, texts, media }], i) => ({
      type: "tool_result",
      toolUseId: ids[i]!,
      isError,
      parts: [...texts.map(plainText), ...media],
      cached: false,
    }));
  }
  if (results.length > 0) made.push({ role: "user", blocks: results });
  return made;
});
const tool = fc.record({
  name: fc.constantFrom("Read", "Bash"),
  description: fc.option(fc.string()),
  schema: object,
  strict: fc.constant(false),
  cached: fc.constant(false),
});
const toolFields = fc.oneof(
  fc.constant({ tools: [], toolChoice: null }),
  fc.record({
    tools: fc.array(tool, { minLength: 1, maxLength: 2 }),
    toolChoice: fc.option(
      fc.constantFrom<ToolChoice>(
        { kind: "auto" },
        { kind: "any" },
        { kind: "none" },
        { kind: "tool", name: "Read" },
      ),
    ),
  }),
);
const number = fc.option(fc.double({ min: 0, max: 1, noNaN: true }).map((n) => n + 0));
const rest = fc.record({
  turns,
  system: fc.array(said.map(plainText), { maxLength: 2 }),
  thinking: fc.constantFrom<Thinking | null>(null, { mode: "adaptive" }),
  effort: fc.constantFrom(null, "low", "medium", "high"),
  schema: fc.option(object),
  stopSequences: fc.array(said, { maxLength: 5 }),
  temperature: number,
  topP: number,
  topK: fc.option(fc.nat()),
});

test("canonical → Gemini → canonical keeps everything that both can say", () => {
  fc.assert(
    fc.property(rest, toolFields, (said, tools) => {
      const sayable: Sayable = { ...said, ...tools };
      const request: CanonicalRequest = {
        ...sayable,
        model: "claude",
        stream: true,
        providerTools: [],
        parallelTools: true,
        userId: null,
        others: [],
      };
      const body = gemini.request(request, {
        model: "gemini-3.1-pro-preview",
        maxTokens: 100,
        quirks: new Set(),
        onUnsupported: "refuse",
      });
      assert.ok("json" in body);
      // Through JSON, as on the wire.
      const sent = JSON.parse(JSON.stringify(body.json)) as Json;
      const onWire = JSON.parse(JSON.stringify(sayable)) as Sayable;
      assert.deepEqual(readBody(sent), onWire);
      const lost = said.stopSequences.length > 0 ? ["stop_sequences.matched"] : [];
      assert.deepEqual(body.dropped, lost);
    }),
    { numRuns: 300 },
  );
});
