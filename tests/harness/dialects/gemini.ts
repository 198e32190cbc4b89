/** Google's generateContent, as strict as the Gemini API is with its third generation. */
import type { WireUsage } from "../bill.ts";
import {
  base64At,
  countAt,
  demand,
  isObject,
  objectAt,
  objectsAt,
  oneOf,
  only,
  schemaAt,
  stringOr,
  textAt,
  within,
  type Json,
} from "./check.ts";
import {
  callOf,
  dataEvent,
  piecesOf,
  textOf,
  thinkingOf,
  type Dialect,
  type Place,
  type RequestView,
  type Told,
} from "./dialect.ts";

const FIELDS =
  "contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent";
const GENERATION =
  "maxOutputTokens temperature topP topK stopSequences thinkingConfig responseMimeType " +
  "responseSchema responseJsonSchema candidateCount seed";
const DATA = "text inlineData fileData functionCall functionResponse";
const STOPS: Readonly<Record<string, string>> = { max_tokens: "MAX_TOKENS", refusal: "SAFETY" };
/** Of every model from the second generation's last on. */
const OUTPUT_MOST = 65_536;
const UNSIGNED = "skip_thought_signature_validator";

/** Source: ai.google.dev/api/generate-content, /api/tokens, thought signatures; read 2026-11-23. */
export const gemini: Dialect = {
  streamType: "text/event-stream",
  place: (path) => {
    const match = /\/models\/([^/:]+):(\w+)(\?alt=sse)?$/.exec(path);
    const [, model = "", verb, sse] = match ?? [];
    const name = decodeURIComponent(model);
    if (verb === "countTokens") return { asks: "count", model: name, stream: false };
    if (verb === "generateContent") return { asks: "message", model: name, stream: false };
    const isStream = verb === "streamGenerateContent" && sse !== undefined;
    return isStream ? { asks: "message", model: name, stream: true } : null;
  },
  check: (body, place) => {
    if (place.asks === "message") return check(body, place.model ?? "");
    only(body, "generateContentRequest contents", "");
    const { model, ...counted } = objectAt(
      body["generateContentRequest"],
      "generateContentRequest",
    );
    demand(model === `models/${place.model}`, "generateContentRequest.model");
    return check(counted, place.model ?? "");
  },
  view: (body, place) =>
    view(isObject(body["generateContentRequest"]) ? body["generateContentRequest"] : body, place),
  stream: (told) => chunksOf(told).map(dataEvent),
  whole: (told) => {
    const parts = partsOf(told);
    const isEnd = STOPS[told.stopReason] ?? "STOP";
    return response(
      told,
      [{ content: { parts, role: "model" }, finishReason: isEnd, index: 0 }],
      true,
    );
  },
  usage,
  charge: (said) => {
    const read = Number(said["cachedContentTokenCount"] ?? 0);
    return {
      input: Number(said["promptTokenCount"]) - read,
      output: Number(said["candidatesTokenCount"] ?? 0) + Number(said["thoughtsTokenCount"] ?? 0),
      cacheRead: read,
      write5m: 0,
      write1h: 0,
    };
  },
  error: (code, message) => ({ error: { code, message, status: statusWord(code) } }),
  errorPiece: (type) =>
    dataEvent({
      error: {
        code: type === "overloaded_error" ? 503 : 500,
        message: `${type} by the script`,
        status: type === "overloaded_error" ? "UNAVAILABLE" : "INTERNAL",
      },
    }),
  count: (tokens) => ({ totalTokens: tokens }),
};

function statusWord(code: number): string {
  const words: Readonly<Record<number, string>> = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
  };
  return words[code] ?? "INTERNAL";
}

function usage(counts: WireUsage): Json {
  const read = counts.cache_read_input_tokens ?? 0;
  // Gemini charges nothing for filling its implicit cache: what is written is plain input.
  const prompt = counts.input_tokens + (counts.cache_creation_input_tokens ?? 0) + read;
  const thoughts = counts.output_tokens_details?.thinking_tokens ?? 0;
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: counts.output_tokens - thoughts,
    totalTokenCount: prompt + counts.output_tokens,
    ...(read > 0 ? { cachedContentTokenCount: read } : {}),
    ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
    promptTokensDetails: [{ modality: "TEXT", tokenCount: prompt }],
  };
}

function check(body: Json, model: string): void {
  only(body, FIELDS, "");
  const config = objectAt(body["generationConfig"] ?? {}, "generationConfig");
  only(config, GENERATION, "generationConfig.");
  demand(
    Number(config["maxOutputTokens"] ?? 1) <= OUTPUT_MOST,
    "maxOutputTokens: the supported range is from 1 (inclusive) to 65537 (exclusive)",
  );
  if (config["maxOutputTokens"] !== undefined)
    countAt(config["maxOutputTokens"], "maxOutputTokens");
  if (config["stopSequences"] !== undefined)
    demand((config["stopSequences"] as unknown[]).length <= 5, "stopSequences: at most five");
  if (config["thinkingConfig"] !== undefined) checkThinking(objectAt(config["thinkingConfig"], ""));
  if (body["systemInstruction"] !== undefined)
    for (const part of objectsAt(
      objectAt(body["systemInstruction"], "")["parts"],
      "systemInstruction",
    ))
      textAt(part["text"], "systemInstruction.parts.text");
  for (const tool of objectsAt(body["tools"], "tools"))
    for (const declared of objectsAt(tool["functionDeclarations"], "functionDeclarations"))
      checkFunction(declared);
  checkContents(objectsAt(body["contents"], "contents"), model.startsWith("gemini-3"));
}

function checkThinking(config: Json): void {
  only(config, "includeThoughts thinkingLevel thinkingBudget", "thinkingConfig.");
  const isBoth = config["thinkingLevel"] !== undefined && config["thinkingBudget"] !== undefined;
  demand(!isBoth, "thinkingConfig: level and budget cannot both be set");
  if (config["thinkingLevel"] !== undefined)
    within(
      config["thinkingLevel"],
      "MINIMAL LOW MEDIUM HIGH minimal low medium high",
      "thinkingLevel",
    );
}

function checkFunction(declared: Json): void {
  only(
    declared,
    "name description parameters parametersJsonSchema response",
    "functionDeclarations.",
  );
  const name = textAt(declared["name"], "functionDeclarations.name");
  demand(/^[A-Za-z_][\w.:-]{0,127}$/.test(name), `functionDeclarations.name: ${name}`);
  const given = ["parameters", "parametersJsonSchema"].filter(
    (each) => declared[each] !== undefined,
  );
  demand(given.length < 2, "functionDeclarations: two schemas");
  for (const each of given) schemaAt(declared[each], each);
}

function checkContents(contents: readonly Json[], wantsSignatures: boolean): void {
  demand(contents.length > 0, "contents: is not specified");
  let calls: readonly string[] = [];
  for (const [index, content] of contents.entries()) {
    const where = `contents[${index}]`;
    only(content, "role parts", `${where}.`);
    const role = within(content["role"], "user model", `${where}.role`);
    demand(index > 0 || role === "user", "contents: the first one must be of the user");
    const parts = objectsAt(content["parts"], `${where}.parts`);
    demand(parts.length > 0, `${where}.parts: must not be empty`);
    for (const part of parts) checkPart(part, where);
    const named = (field: string) =>
      parts.flatMap((part) => (isObject(part[field]) ? [String(part[field]["name"])] : []));
    const responses = named("functionResponse");
    const isAnswered = role === "model" || responses.toSorted().join() === calls.toSorted().join();
    demand(
      isAnswered,
      "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
    );
    if (role === "user") calls = [];
    else calls = named("functionCall");
    const first = parts.find((part) => part["functionCall"] !== undefined);
    if (wantsSignatures && first !== undefined)
      demand(
        typeof first["thoughtSignature"] === "string",
        `${where}: Function call is missing a thought_signature in functionCall parts.`,
      );
  }
  demand(calls.length === 0, "contents: calls without responses");
}

function checkPart(part: Json, where: string): void {
  only(part, `${DATA} thought thoughtSignature`, `${where}.parts.`);
  const kind = oneOf(part, DATA, `${where}.parts`);
  if (part["thoughtSignature"] !== undefined && part["thoughtSignature"] !== UNSIGNED)
    base64At(part["thoughtSignature"], `${where}.thoughtSignature`);
  const data = part[kind];
  if (kind === "text") textAt(data, `${where}.text`);
  else if (kind === "inlineData") {
    only(objectAt(data, where), "mimeType data displayName", `${where}.inlineData.`);
    base64At(objectAt(data, where)["data"], `${where}.inlineData.data`);
  } else if (kind === "functionCall") {
    only(objectAt(data, where), "id name args", `${where}.functionCall.`);
  } else if (kind === "functionResponse") {
    only(objectAt(data, where), "id name response parts", `${where}.functionResponse.`);
    objectAt(objectAt(data, where)["response"], `${where}.functionResponse.response`);
  }
}

function view(body: Json, place: Place): RequestView {
  const contents = objectsAt(body["contents"], "contents");
  const partsBy = (role: string) =>
    contents
      .filter((each) => each["role"] === role)
      .flatMap((each) => objectsAt(each["parts"], ""));
  const config = objectAt(body["generationConfig"] ?? {}, "");
  const system = objectAt(body["systemInstruction"] ?? {}, "");
  const mine = partsBy("model");
  const thoughts = mine.filter((part) => part["thought"] === true);
  return {
    model: place.model ?? "",
    stream: place.stream ?? false,
    maxTokens: Number(config["maxOutputTokens"]),
    system: objectsAt(system["parts"], "")
      .map((part) => String(part["text"]))
      .join("\n\n"),
    tools: objectsAt(body["tools"], "").flatMap((tool) =>
      objectsAt(tool["functionDeclarations"], "").map((each) => String(each["name"])),
    ),
    texts: partsBy("user").flatMap((part) =>
      typeof part["text"] === "string" ? [part["text"]] : [],
    ),
    toolResults: partsBy("user").flatMap(({ functionResponse: said }) => {
      if (!isObject(said)) return [];
      const { output, error } = objectAt(said["response"], "");
      return [
        {
          id: stringOr(said["id"]),
          text: textIn(output ?? error),
          isError: error !== undefined,
          images: objectsAt(said["parts"], "").length,
        },
      ];
    }),
    signatures: mine.flatMap(({ thoughtSignature: signature }) =>
      typeof signature === "string" && signature !== UNSIGNED ? [signature] : [],
    ),
    thoughts: thoughts.map((part) => String(part["text"])),
    thinkingWanted: objectAt(config["thinkingConfig"] ?? {}, "")["includeThoughts"] === true,
    images: partsBy("user").filter((part) => part["inlineData"] !== undefined).length,
  };
}

function textIn(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join("\n") : String(value);
}

/** Thoughts are not signed; the part that follows them is, or an empty one at the end of a text. */
function partsOf({ content }: Told): readonly Json[] {
  let signature: string | null = null;
  const take = (): Json => {
    const taken = signature === null ? {} : { thoughtSignature: signature };
    signature = null;
    return taken;
  };
  return content.flatMap((block): readonly Json[] => {
    if (block.type === "thinking") {
      const thinking = thinkingOf(block);
      signature = thinking.signature;
      return piecesOf(thinking.text).map((text) => ({ text, thought: true }));
    }
    if (block.type === "text") {
      const parts = piecesOf(textOf(block)).map((text) => ({ text }));
      return signature === null ? parts : [...parts, { text: "", ...take() }];
    }
    const { id, name, input } = callOf(block);
    return [{ functionCall: { id, name, args: input }, ...take() }];
  });
}

function chunksOf(told: Told): readonly Json[] {
  const parts = partsOf(told);
  const chunks = parts.map((part) =>
    response(told, [{ content: { parts: [part], role: "model" }, index: 0 }], false),
  );
  const finishReason = STOPS[told.stopReason] ?? "STOP";
  const last = [{ content: { parts: [{ text: "" }], role: "model" }, finishReason, index: 0 }];
  return [...chunks, response(told, last, true)];
}

function response(told: Told, candidates: readonly Json[], isLast: boolean): Json {
  const { candidatesTokenCount: _, thoughtsTokenCount: __, ...start } = usage(told.usage);
  const prompt = { ...start, totalTokenCount: start["promptTokenCount"] };
  return {
    candidates,
    ...(told.omitsUsage ? {} : { usageMetadata: isLast ? usage(told.usage) : prompt }),
    modelVersion: told.model,
    responseId: told.id,
  };
}
