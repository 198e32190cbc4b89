/** A recorded workload: who asks what and when, how long the answer takes, and how it would end by itself. */
import { integer, randomOf, type Random } from "../harness/scripts-random.ts";

export const KEYS = ["ada", "bob", "cyd", "dee"] as const;
export const START_MS = Date.parse("2026-11-23T22:30:00Z");
const MODELS = ["claude-opus-5-5", "claude-sonnet-5", "claude-haiku-4-5"];
const ASKED = [2_000, 16_000, 64_000, 128_000];
const SPAN_MS = 3 * 3_600_000;

/** One request as it was recorded. Its body does not depend on what became of the ones before. */
export interface Recorded {
  readonly atMs: number;
  readonly key: (typeof KEYS)[number];
  readonly session: string;
  readonly body: Buffer;
  /** Its true input, and how long the answer is where nothing cuts it. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** From its arrival to the start of its answer, and to its end. */
  readonly startsAfterMs: number;
  readonly endsAfterMs: number;
  /** Its end was never seen: it is charged by estimate. */
  readonly isCut: boolean;
}

interface Conversation {
  readonly key: (typeof KEYS)[number];
  readonly name: string;
  readonly model: string;
  readonly messages: { role: string; content: string }[];
}

/** The same seed, the same workload. */
export function workloadOf(seed: number, requests: number): Recorded[] {
  const random = randomOf(seed);
  const conversations = Array.from({ length: 8 }, (_, index): Conversation => ({
    key: KEYS[integer(random, 0, KEYS.length - 1)] ?? "ada",
    name: `${String(index).padStart(8, "0")}-0000-4000-8000-000000000000`,
    model: MODELS[integer(random, 0, MODELS.length - 1)] ?? "",
    messages: [{ role: "user", content: padding(random, 200, 60_000) }],
  }));
  return Array.from({ length: requests }, () => {
    const conversation = conversations[integer(random, 0, conversations.length - 1)];
    if (conversation === undefined) throw new Error("there are conversations");
    return turnOf(conversation, random);
  }).toSorted((left, right) => left.atMs - right.atMs);
}

function turnOf({ key, name, model, messages }: Conversation, random: Random): Recorded {
  const asked = ASKED[integer(random, 0, ASKED.length - 1)] ?? 1;
  const body = Buffer.from(JSON.stringify({ model, max_tokens: asked, stream: true, messages }));
  const outputTokens =
    random() < 0.15 ? integer(random, 1, asked) : integer(random, 1, Math.min(asked, 4_000));
  const reply = { role: "assistant", content: padding(random, 10, 2_000) };
  messages.push(reply, { role: "user", content: padding(random, 10, 6_000) });
  const startsAfterMs = integer(random, 200, 5_000);
  return {
    atMs: START_MS + integer(random, 0, SPAN_MS),
    key,
    session: name,
    body,
    inputTokens: Math.ceil(body.length / 4),
    outputTokens,
    startsAfterMs,
    endsAfterMs: startsAfterMs + integer(random, 100, 600_000),
    isCut: random() < 0.08,
  };
}

function padding(random: Random, least: number, most: number): string {
  return "word ".repeat(Math.ceil(integer(random, least, most) / 5));
}

/** Budgets and limits of every kind on every level, tight enough that each of them says no at times. */
export function capsOf(seed: number) {
  const random = randomOf(seed ^ 0x5eed);
  const chance = (share: number, entries: object[]) => (random() < share ? entries : []);
  const limited = random() < 0.4 ? 1 : 0;
  const usd = (least: number, most: number) => (integer(random, least, most) / 10).toFixed(1);
  const level = (least: number, most: number) => ({
    budgets: [
      ...chance(0.7, [{ usd: usd(least, most), per: "hour" }]),
      ...chance(0.4, [{ usd: usd(least, most), rolling: "30m", overshoot: "last_request" }]),
      ...chance(0.3, [{ usd: usd(least * 2, most * 3), per: "day", time_zone: "Asia/Kathmandu" }]),
    ],
    rate_limits: [
      ...chance(0.3 * limited, [{ requests: integer(random, 10, 60), per: "hour" }]),
      ...chance(0.3 * limited, [{ requests: integer(random, 1, 4), per: "minute", burst: 6 }]),
      ...chance(0.4 * limited, [{ input_tokens: integer(random, 100_000, 900_000), per: "hour" }]),
      ...chance(0.4 * limited, [
        { output_tokens: integer(random, 20_000, 200_000), per: "hour", burst: 90_000 },
      ]),
      ...chance(0.3 * limited, [{ concurrent: integer(random, 4, 12) }]),
    ],
  });
  const session = chance(0.5, [{ usd: usd(5, 40), per: "session" }]);
  return { customer: level(100, 400), team: level(60, 250), key: level(20, 90), session };
}
