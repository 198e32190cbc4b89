/** Which tests show what each door can, besides those of requests: `file › name of the test`. */
import type { Capability, DoorName, Shown } from "./door-matrix.ts";

const SDK = "tests/e2e/sdk-shapes.ts";
const INVOKE = "src/wire/bedrock-invoke/answer.test.ts";
const CONVERSE = "src/wire/bedrock-converse";
const CHAT = "src/wire/openai-chat";
const RESPONSES = "src/wire/openai-responses";
const GEMINI = "src/wire/gemini";

const INVOKE_STREAM = `${INVOKE} › a transcript of InvokeModelWithResponseStream leaves as server-sent events, byte for byte`;
const CONVERSE_STREAM = `${CONVERSE}/answer.test.ts › a transcript of ConverseStream's frames becomes the events of a message`;
const CONVERSE_WAY = `${CONVERSE}/request.test.ts › a whole request of Claude Code as Converse takes it`;
const CONVERSE_BACK = `${CONVERSE}/answer.test.ts › canonical content goes through ConverseStream and back, however it is cut`;
const BEDROCK_FAULT = `${CONVERSE}/fault.test.ts › what is no error of Bedrock's is told by its status, and nothing of it is shown`;
const RESPONSES_STREAM = `${RESPONSES}/answer.test.ts › a streamed answer with reasoning, text and two calls becomes a message, block by block`;
const RESPONSES_WAY = `${RESPONSES}/request.test.ts › a turn of Claude Code becomes instructions, items and tools`;
const RESPONSES_BACK = `${RESPONSES}/round-trip.test.ts › what both dialects can express comes back as it was, and nothing counts as lost`;
const GEMINI_STREAM = `${GEMINI}/answer.test.ts › becomes blocks, a stop reason and usage`;
const GEMINI_WAY = `${GEMINI}/request.test.ts › becomes one of generateContent`;
const GEMINI_BACK = `${GEMINI}/roundtrip.test.ts › canonical → Gemini → canonical keeps everything that both can say`;
const CHAT_BACK = `${CHAT}/round-trip.test.ts › canonical, chat and canonical again keep all that both can express`;

type Evidence = Partial<Record<Capability, readonly string[]>>;

/** What single doors show besides what is tested of all; the tests of translators are named here. */
const OWN: Readonly<Record<DoorName, Evidence>> = {
  anthropic: {
    text: [`${SDK} › a bare request`],
    streaming: [`${SDK} › create with stream: every event`],
    images: [`${SDK} › an image in base64`],
    documents: [`${SDK} › a document with citations`],
    tools: [`${SDK} › a tool is called`],
    "parallel tools": [`${SDK} › two tools in parallel`],
    "thinking round trip": [`${SDK} › adaptive thinking`],
    "structured output": [`${SDK} › structured output`],
    "stop sequences": [`${SDK} › a stop sequence`],
    "cache markers": [`${SDK} › one-hour cache markers`],
    "usage with cached tokens": ["tests/e2e/billing.test.ts › cache reads"],
    errors: ["tests/e2e/upstream-errors.test.ts › an error of the upstream"],
    count_tokens: [
      "tests/e2e/passthrough.test.ts › count_tokens and models are relayed and cost nothing",
    ],
    pings: [
      "tests/e2e/passthrough.test.ts › unknown events, pings and CRLF",
      "tests/e2e/failover-slow.test.ts › gets its head and a ping, and the failure of all as an event",
    ],
    "fail-over": [
      "tests/e2e/failover.test.ts › a failure before the content, streamed",
      "tests/e2e/failover.test.ts › refused: an attempt that reached nobody holds and costs nothing",
      "tests/docs/door-failover.test.ts › fail-over at every door",
    ],
    "Claude Code session": [
      "tests/e2e/claude-code.test.ts › runs a session with tools and a subagent, and every nano-dollar is attributed",
    ],
  },
  "claude-platform-aws": {},
  "bedrock-invoke": {
    text: [INVOKE_STREAM, `${INVOKE} › whole answers pass as they are and are read`],
    streaming: [`${INVOKE} › any cut gives the same bytes; only the whole is whole`],
    "usage with cached tokens": [INVOKE_STREAM],
    errors: [
      `${INVOKE} › an exception frame is an error event, and nothing follows it`,
      BEDROCK_FAULT,
    ],
  },
  "bedrock-converse": {
    text: [CONVERSE_STREAM, CONVERSE_WAY],
    streaming: [CONVERSE_STREAM, CONVERSE_BACK],
    images: [CONVERSE_WAY],
    documents: [
      `${CONVERSE}/request.test.ts › documents get names that Bedrock takes, each its own`,
    ],
    tools: [CONVERSE_STREAM, CONVERSE_WAY],
    "parallel tools": [CONVERSE_STREAM, CONVERSE_WAY],
    "tool errors": [CONVERSE_WAY],
    "images in results": [CONVERSE_WAY],
    "thinking round trip": [CONVERSE_STREAM, CONVERSE_WAY],
    "structured output": [CONVERSE_WAY],
    "stop sequences": [
      `${CONVERSE}/answer.test.ts › the sequence that ended an answer is told where Claude tells it`,
    ],
    "cache markers": [
      `${CONVERSE}/request.test.ts › of more markers than four the last stay; other models than Claude and Nova get none`,
    ],
    "usage with cached tokens": [CONVERSE_STREAM],
    errors: [
      BEDROCK_FAULT,
      `${CONVERSE}/answer.test.ts › an exception in mid-stream is an error event, and nothing follows it`,
    ],
  },
  vertex: {
    text: [
      "src/wire/vertex-anthropic/splice.test.ts › a body of the Messages API becomes one of streamRawPredict: no model, stream kept",
    ],
    errors: [
      "src/wire/vertex-anthropic/fault.test.ts › the model's own envelope and Google's are both understood",
    ],
  },
  "azure-foundry": {},
  "openai-chat": {
    text: [`${CHAT}/answer.test.ts › OpenAI: text, usage on a chunk of its own`, CHAT_BACK],
    streaming: [
      `${CHAT}/answer.test.ts › passes each piece on at once, and waits with the end for usage`,
      "tests/wire/openai-chat-mock.test.ts › streams keep the same",
    ],
    images: [`${CHAT}/request.test.ts › are carried where the server reads them`],
    documents: [`${CHAT}/request.test.ts › are carried where the server reads them`],
    tools: [
      `${CHAT}/request.test.ts › carries tools, the choice and their strictness`,
      CHAT_BACK,
      "tests/wire/openai-chat-mock.test.ts › whole answers keep text, reasoning and calls",
    ],
    "parallel tools": [`${CHAT}/answer.test.ts › OpenAI: parallel calls`],
    "tool errors": [`${CHAT}/request.test.ts › say in words that the tool failed`],
    "images in results": [
      `${CHAT}/request.test.ts › hand their images to the user's message that follows`,
    ],
    "thinking round trip": [
      `${CHAT}/request.test.ts › goes back where the provider wants it, even empty beside calls`,
    ],
    "structured output": [
      `${CHAT}/request.test.ts › is a response format, strict where the schema may be`,
    ],
    "stop sequences": [`${CHAT}/request.test.ts › cuts stops to what the server takes`],
    "cache markers": [`${CHAT}/request.test.ts › marks what it leaves out of the history`],
    "usage with cached tokens": [
      `${CHAT}/usage.test.ts › cached and written tokens are taken out of the prompt`,
    ],
    errors: [
      `${CHAT}/fault.test.ts › never throws and always has a type and a short message`,
      "tests/wire/openai-chat-mock.test.ts › errors are told in the words of the Messages API",
    ],
  },
  "openai-responses": {
    text: [RESPONSES_STREAM, RESPONSES_BACK],
    streaming: [
      RESPONSES_STREAM,
      `${RESPONSES}/answer.test.ts › a stream gives the same bytes however it is cut`,
    ],
    images: [RESPONSES_BACK],
    documents: [
      `${RESPONSES}/request.test.ts › documents go as files, texts as texts, with their titles`,
    ],
    tools: [RESPONSES_WAY, RESPONSES_STREAM],
    "parallel tools": [RESPONSES_WAY, RESPONSES_STREAM],
    "tool errors": [RESPONSES_WAY],
    "images in results": [RESPONSES_WAY],
    "thinking round trip": [
      `${RESPONSES}/answer.test.ts › reasoning comes back on the next turn as the item that it was`,
    ],
    "structured output": [
      `${RESPONSES}/request.test.ts › strict is kept where strict mode takes the schema, else told`,
    ],
    "cache markers": [RESPONSES_WAY],
    "usage with cached tokens": [RESPONSES_STREAM],
    errors: [
      `${RESPONSES}/fault.test.ts › no error body makes the translator throw; messages stay short`,
      `${RESPONSES}/answer.test.ts › a failure after content is told to the client, once, and its bill is still read`,
    ],
  },
  "azure-openai": {},
  gemini: {
    text: [GEMINI_STREAM, GEMINI_WAY],
    streaming: [
      GEMINI_STREAM,
      `${GEMINI}/answer.test.ts › gives the same output however it is cut`,
    ],
    images: [GEMINI_BACK],
    documents: [`${GEMINI}/request.test.ts › documents and URLs`],
    tools: [GEMINI_STREAM, GEMINI_WAY],
    "parallel tools": [GEMINI_STREAM, GEMINI_BACK],
    "tool errors": [GEMINI_BACK],
    "images in results": [
      GEMINI_WAY,
      `${GEMINI}/request.test.ts › pictures in results stand beside them where a model cannot nest them`,
    ],
    "thinking round trip": [
      `${GEMINI}/answer.test.ts › on a thought and on a call`,
      `${GEMINI}/answer.test.ts › on the first of parallel calls, after thoughts and a text`,
    ],
    "structured output": [`${GEMINI}/request.test.ts › is a JSON schema`],
    "stop sequences": [GEMINI_WAY],
    "cache markers": [GEMINI_WAY],
    "usage with cached tokens": [
      `${GEMINI}/usage.test.ts › the prompt includes what was cached, candidates exclude thoughts`,
    ],
    errors: [
      `${GEMINI}/fault.test.ts › a quota tells when to come back`,
      `${GEMINI}/answer.test.ts › after content`,
    ],
  },
};

/** Doors that `tests/e2e/doors.test.ts` goes through with a real gateway, by the names that it has for them. */
const THROUGH_GATEWAY: Partial<Record<DoorName, string>> = {
  "bedrock-invoke": "invoke",
  "bedrock-converse": "converse",
  vertex: "vertex",
  "azure-foundry": "foundry",
  "openai-chat": "chat",
  "openai-responses": "responses",
  gemini: "gemini",
};

/** Its tests of every door. */
const GATEWAY_TESTS: Evidence = {
  text: ["a text, whole", "a text, streamed"],
  streaming: ["a text, streamed", "a stream cut anywhere into chunks"],
  tools: ["two calls and their results, whole", "two calls and their results, streamed"],
  "parallel tools": ["two calls and their results, streamed"],
  "tool errors": ["two calls and their results, streamed"],
  "images in results": ["two calls and their results, streamed"],
  "thinking round trip": ["thinking comes back, whole", "thinking comes back, streamed"],
  "usage with cached tokens": ["usage of every class, whole", "usage of every class, streamed"],
  errors: ["errors in the words of the Messages API"],
  count_tokens: ["a count"],
};

/** Formats in which Claude Code itself has been served, by their names in that test. */
const SESSIONS: Partial<Record<DoorName, string>> = {
  "bedrock-invoke": "bedrock-invoke",
  "bedrock-converse": "bedrock-converse",
  vertex: "vertex-anthropic",
  "openai-chat": "openai-chat",
  "openai-responses": "openai-responses",
  gemini: "gemini",
};

/** Doors whose format another one of these has, by their names in `tests/docs/door-siblings.test.ts`. */
const SIBLINGS: Partial<Record<DoorName, string>> = {
  "claude-platform-aws": "platform",
  "azure-openai": "azure",
};

/** Its tests of each. */
const SIBLING_TESTS: Partial<Record<Capability, string>> = {
  text: "an answer, whole and streamed",
  streaming: "an answer, whole and streamed",
  tools: "thinking and two calls, and both come back",
  "parallel tools": "thinking and two calls, and both come back",
  "thinking round trip": "thinking and two calls, and both come back",
  "usage with cached tokens": "an answer, whole and streamed",
  errors: "an error in the words of the Messages API",
  count_tokens: "a count",
};

/** The tests of a door's capability; none where nobody has looked. */
export function evidenceOf(door: DoorName, capability: Capability): readonly string[] {
  const own = OWN[door][capability] ?? [];
  const format = SESSIONS[door];
  if (capability === "Claude Code session" && format !== undefined)
    return [
      `tests/e2e/claude-code-doors.test.ts › is served by ${format}: tools, a subagent, every nano-dollar`,
    ];
  const sibling = SIBLINGS[door];
  const test = SIBLING_TESTS[capability];
  if (sibling !== undefined && test !== undefined)
    return [`tests/docs/door-siblings.test.ts › ${sibling}: ${test}`];
  const place = THROUGH_GATEWAY[door];
  if (place === undefined) return own;
  if (capability === "fail-over")
    return [
      `tests/docs/door-failover.test.ts › ${place} fails, and the next one serves`,
      `tests/docs/door-failover.test.ts › ${place} serves where another has failed`,
    ];
  if (capability === "pings")
    return [`tests/docs/door-pings.test.ts › ${place} is silent, and pings come`];
  const through = GATEWAY_TESTS[capability] ?? [];
  return [...own, ...through.map((name) => `tests/e2e/doors.test.ts › ${place} › ${name}`)];
}

/** What a door does otherwise than `yes` on the way back, or beside a request. */
export const ANSWER_SAYS: Partial<Record<DoorName, Partial<Record<Capability, Shown["says"]>>>> = {
  "bedrock-invoke": { count_tokens: "estimated" },
  "bedrock-converse": { count_tokens: "estimated" },
  "openai-chat": { count_tokens: "estimated" },
  "azure-openai": { count_tokens: "estimated" },
};
