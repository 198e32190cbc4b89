/** `node bench/doors.ts`: what a translated stream costs beside one that passes, and what a fail-over adds. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { spawn } from "node:child_process";
import { freePorts, portOf } from "../tests/harness/ports.ts";
import { STREAM_EVENTS } from "./answers.ts";
import { BODY_SIZES, messagesBody } from "./bodies.ts";
import { cpuUsBetween, cpuUsByThread } from "./cpu-time.ts";
import { progress } from "./progress.ts";
import { median } from "./statistics.ts";
import { formatTable, type Row } from "./table.ts";

const ROUNDS = 7;
const STREAMS = 32;
const REPEATS = 4;
const INTERVAL_MS = 5;
const WARM_UPS = 12;
const FAIL_OVERS = 150;
const REQUESTS_PER_FAIL_OVER = 5;
const TRANSLATED_LIMIT = 4;
const FAIL_OVER_LIMIT_MS = 5;
const KEYS = {
  passes: "vk_passes0123456789abcdefghij",
  translated: "vk_translated0123456789abcdef",
  moved: "vk_moved0123456789abcdefghijk",
  quick: "vk_quick0123456789abcdefghijk",
} as const;
type Key = keyof typeof KEYS;

const PIECES = STREAM_EVENTS.slice(3, -3).map((_, index) => `word ${index} of an answer `);

function chatChunks(): readonly string[] {
  const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "gpt-5.2" };
  const chunk = (more: object) => `data: ${JSON.stringify({ ...base, ...more })}\n\n`;
  const choice = (delta: object, finish: string | null) => ({
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  return [
    chunk(choice({ role: "assistant", content: "" }, null)),
    ...PIECES.map((content) => chunk(choice({ content }, null))),
    chunk(choice({}, "stop")),
    chunk({
      choices: [],
      usage: { prompt_tokens: 900, completion_tokens: 200, total_tokens: 1100 },
    }),
    "data: [DONE]\n\n",
  ];
}

const CHAT = chatChunks();
const TOO_LONG = JSON.stringify({
  type: "error",
  error: { type: "invalid_request_error", message: "prompt is too long: 2 tokens > 1 maximum" },
});

async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  await once(incoming.resume(), "end");
  if (incoming.url?.startsWith("/small") === true) {
    response.writeHead(400, { "content-type": "application/json" }).end(TOO_LONG);
    return;
  }
  const events = incoming.url?.includes("chat/completions") === true ? CHAT : STREAM_EVENTS;
  const paced = incoming.url?.startsWith("/fast") !== true;
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) {
    if (response.destroyed) return;
    response.write(event);
    if (paced) await delay(INTERVAL_MS);
  }
  response.end();
}

function config(upstream: string): object {
  const provider = (id: string, kind: string, path: string, more: object = {}) => ({
    id,
    kind,
    base_url: upstream + path,
    keys: [{ id: "main", secret: "env:UPSTREAM_KEY" }],
    ...more,
  });
  const key = (id: Key, providers: readonly string[]) => ({
    id,
    team: "bench",
    secret: `env:${id.toUpperCase()}_KEY`,
    budgets: [{ usd: "1000000", per: "month" }],
    providers: providers.map((name) => ({ id: name })),
  });
  return {
    log: { level: "warn" },
    routing: {
      rules: [
        {
          id: "moved",
          when: 'virtual_key == "moved"',
          targets: [{ provider: "small" }],
          fallbacks: { context_length: [{ provider: "fast" }] },
        },
      ],
    },
    providers: [
      provider("anthropic", "anthropic", "/paced"),
      provider("openai", "openai", "/paced", { door: "chat", models: { "claude-*": "gpt-5.2" } }),
      provider("small", "anthropic", "/small"),
      provider("fast", "anthropic", "/fast"),
    ],
    customers: [{ id: "acme" }],
    teams: [{ id: "bench", customer: "acme" }],
    virtual_keys: [
      key("passes", ["anthropic"]),
      key("quick", ["fast"]),
      key("translated", ["openai"]),
      key("moved", ["small", "fast"]),
    ],
  };
}

interface Target {
  readonly port: number;
  readonly path: string;
  readonly key: Key;
}

const BODY = messagesBody({ bytes: BODY_SIZES["4 kB"], stream: true });

/** Milliseconds to the end of the answer's head and first bytes. */
function ask({ port, path, key }: Target): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const call = request({ port, path, method: "POST", headers: { "x-api-key": KEYS[key] } });
    call.on("error", reject);
    call.on("response", (response) => {
      let firstMs: number | null = null;
      response.on("data", () => (firstMs ??= performance.now() - startMs));
      response.on("error", reject);
      response.on("end", () => {
        const expected = path.startsWith("/small") ? 400 : 200;
        if (response.statusCode === expected) resolve(firstMs ?? 0);
        else reject(new Error(`${key}: ${response.statusCode}`));
      });
    });
    call.end(BODY);
  });
}

async function streams(target: Target): Promise<void> {
  const lanes = Array.from({ length: STREAMS }, async () => {
    for (let left = REPEATS; left > 0; left--) await ask(target);
  });
  await Promise.all(lanes);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-doors-"));
  const upstream = createServer((incoming, response) => void serve(incoming, response));
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const [port = 0, admin] = await freePorts(2);
  const file = join(folder, "tollgate.yaml");
  writeFileSync(file, JSON.stringify(config(`http://127.0.0.1:${portOf(upstream)}`)));
  const env = {
    ...process.env,
    UPSTREAM_KEY: "sk-bench",
    ...Object.fromEntries(
      Object.entries(KEYS).map(([id, key]) => [`${id.toUpperCase()}_KEY`, key]),
    ),
    TOLLGATE_DATA_DIR: join(folder, "data"),
    TOLLGATE_LISTEN: `127.0.0.1:${port}`,
    TOLLGATE_ADMIN_LISTEN: `127.0.0.1:${admin}`,
  };
  const program = join(import.meta.dirname, "..", "src", "cli", "main.ts");
  const gateway = spawn(process.execPath, [program, "serve", "--config", file], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(gateway.stdout, "data");
    await delay(500);
    const target = (key: Key): Target => ({ port, path: "/v1/messages", key });
    const rows = [
      ...(await translatedRows(gateway.pid ?? 0, target)),
      ...(await failOverRows(target, portOf(upstream))),
    ];
    console.log(formatTable(rows));
  } finally {
    gateway.kill("SIGTERM");
    await once(gateway, "exit");
    upstream.close();
    upstream.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function translatedRows(pid: number, target: (key: Key) => Target): Promise<Row[]> {
  const cost = { passes: [] as number[], translated: [] as number[] };
  for (let round = 0; round < ROUNDS + 2; round++) {
    for (const key of ["passes", "translated"] as const) {
      progress(`${STREAMS} streams, ${key}, round ${round}`);
      const before = cpuUsByThread(pid);
      await streams(target(key));
      const { all } = cpuUsBetween(before, cpuUsByThread(pid), /./);
      // The first rounds are for the compiler.
      if (round >= 2) cost[key].push(all / (STREAMS * REPEATS));
    }
  }
  const passes = median(cost.passes);
  const translated = median(cost.translated);
  return [
    { measure: "100-event stream that passes", unit: "µs", value: passes },
    { measure: "100-event stream translated from chat", unit: "µs", value: translated },
    {
      measure: "  translated ÷ passing",
      unit: "×",
      value: translated / passes,
      limit: TRANSLATED_LIMIT,
    },
  ];
}

/** First byte by way of a target that refuses, less the first byte without, and less that refusal. */
async function failOverRows(target: (key: Key) => Target, upstreamPort: number): Promise<Row[]> {
  const fast = target("quick");
  const times = { passes: [] as number[], moved: [] as number[], refusal: [] as number[] };
  for (let turn = 0; turn < FAIL_OVERS + WARM_UPS; turn++) {
    // A node makes at most one extra attempt for five requests.
    for (let extra = 0; extra < REQUESTS_PER_FAIL_OVER; extra++) await ask(fast);
    const passes = await ask(fast);
    const moved = await ask(target("moved"));
    const refusal = await ask({ port: upstreamPort, path: "/small/v1/messages", key: "moved" });
    if (turn < WARM_UPS) continue;
    times.passes.push(passes);
    times.moved.push(moved);
    times.refusal.push(refusal);
  }
  const added = median(times.moved) - median(times.passes) - median(times.refusal);
  return [
    { measure: "first byte, no fail-over", unit: "ms", value: median(times.passes) },
    { measure: "first byte, one fail-over", unit: "ms", value: median(times.moved) },
    { measure: "the refusing attempt alone", unit: "ms", value: median(times.refusal) },
    { measure: "  added by the fail-over", unit: "ms", value: added, limit: FAIL_OVER_LIMIT_MS },
  ];
}

await main();
