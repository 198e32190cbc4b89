/**
 * The shape of Claude Code traffic as numbers, in one place; re-fit them to a journal when there is one.
 * Marks: M measured on the client, P published, D derived from published figures, A assumed.
 */

type Mark = "M" | "P" | "D" | "A" | "M + A" | "P + A" | "A + P";

interface Marked {
  readonly mark: Mark;
  readonly [name: string]: unknown;
}

/** Of log-normal draws: the median, and the standard deviation of the logarithm. */
export interface Spread {
  readonly median: number;
  readonly sigma: number;
}

/** Points of a distribution function: value and the share at or below it; logarithms between them. */
export type Quantiles = readonly (readonly [value: number, share: number])[];

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export const PARAMETERS = {
  /** Sessions of a day grow with intensity to this power. */
  intensity: { mark: "D", personSigma: 0.3, daySigma: 0.2, scale: 1.06, sessionsPower: 0.6 },
  /** Main model of a developer: share of developers. */
  models: {
    mark: "A",
    shares: [
      ["claude-opus-5-5", 0.62],
      ["claude-sonnet-5-5", 0.25],
      ["claude-opus-5", 0.08],
      ["claude-fable-5-2", 0.05],
    ] as const,
  },
  sessions: { mark: "A", besidesFirst: 3.5, resumedShare: 0.12 },
  /** Tokens of a session that is taken up again, cold. The spread is assumed. */
  resumed: { mark: "A", tokens: { median: 60_000, sigma: 0.8 } satisfies Spread },
  /** When sessions start, local time. */
  hours: {
    mark: "A",
    humps: [
      { atHour: 10.5, share: 0.55 },
      { atHour: 15, share: 0.45 },
    ],
    sigmaMinutes: 75,
    outsideShare: 0.08,
    fromHour: 8,
    toHour: 19,
  },
  prompts: { mark: "D", onlyOneShare: 0.55, more: { median: 6, sigma: 0.9 }, max: 200 },
  promptTokens: { mark: "A", size: { median: 60, sigma: 1.5 }, pasteShare: 0.05, paste: 3_000 },
  calls: { mark: "D", onlyOneShare: 0.42, more: { median: 5, sigma: 1.35 }, max: 400 },
  /** Start context beside MCP, in tokens. */
  start: {
    mark: "M + A",
    tools: 8_000,
    system: 3_500,
    configuration: { median: 10_000, sigma: 0.9 } satisfies Spread,
  },
  mcp: {
    mark: "A + P",
    share: 0.55,
    tools: { median: 40, sigma: 0.8 } satisfies Spread,
    deferredTokens: 15,
    eagerTokens: 300,
    eagerShare: 0.15,
    eagerBuiltIn: 10_000,
  },
  /** Share of cold starts at which tools and system are warm through colleagues. */
  sharedPrefix: { mark: "A", share: 0.7 },
  /** All that the tools of one call give. */
  toolResult: { mark: "D", tokens: { median: 250, sigma: 1.7 }, max: 25_000 },
  /** Thinking is part of it and re-enters as input like the rest. */
  output: { mark: "P", tokens: { median: 252, sigma: 1.3 }, max: 60_000 },
  humanGapMs: {
    mark: "P",
    quantiles: [
      [2_000, 0],
      [12_000, 0.12],
      [79_000, 0.5],
      [5 * MINUTE_MS, 0.796],
      [HOUR_MS, 0.964],
      [13.9 * HOUR_MS, 0.99],
      [168 * HOUR_MS, 1],
    ] satisfies Quantiles,
  },
  toolTimeMs: {
    mark: "P",
    quantiles: [
      [50, 0],
      [300, 0.5],
      [13_600, 0.9],
      [60_000, 0.951],
      [216_000, 0.99],
      [600_000, 0.996],
      [600_000, 1],
    ] satisfies Quantiles,
  },
  /** 5-minute entries: the share that is gone after their time, and the share gone for no reason. */
  cache: { mark: "P", ttlMs: 5 * MINUTE_MS, deadAfterTtl: 0.97, suddenDeath: 0.0018 },
  agents: {
    mark: "A + P",
    promptShare: 0.1,
    besidesFirst: 1.6,
    moreCalls: { median: 9, sigma: 0.8 } satisfies Spread,
    nestedShare: 0.05,
    models: [
      ["inherit", 0.7],
      ["claude-haiku-5-5", 0.2],
      ["claude-sonnet-5-5", 0.1],
    ] as const,
    startTokens: 6_200,
    configurationShare: 0.6,
    /** Of the start: tools and system, which agents have in common. */
    sharedTokens: 4_400,
    handOffTokens: 560,
  },
  /** At which context a compaction happens: by the client's window, or by hand at a prompt's end. */
  compaction: {
    mark: "M + A",
    windows: [
      [960_000, 0.65],
      [160_000, 0.35],
    ] as const,
    byHandAbove: 250_000,
    byHandShare: 0.25,
    instructionTokens: 4_500,
    output: { median: 4_000, sigma: 0.3 } satisfies Spread,
    afterwards: 12_000,
  },
  background: {
    mark: "M + A",
    title: { input: 1_000, output: 25 },
    summary: { input: 3_000, output: 300, share: 0.5 },
  },
  failures: { mark: "P + A", cutShare: 0.002, cancelledPromptShare: 0.04, non200Share: 0.0008 },
  /** Time to the first token, evenly spread, and the pace from there on. */
  answer: { mark: "P + A", firstTokenMs: [1_000, 5_000], tokensPerSecond: 41 },
  /** What the client sends: `max_tokens`, bytes a token, tools. Text beyond ASCII has no published share. */
  body: {
    mark: "M + A",
    maxTokens: 128_000,
    backgroundMaxTokens: 32_000,
    bytesPerToken: 4.1,
    mainTools: 13,
    agentTools: 8,
    /** Messages and blocks, by `"type"` and `"role"`, that a turn adds behind the last marked message. */
    blocksATurn: 11,
  },
  /** What the client does with an answer: retries after `retry-after`, continuations after a cut. */
  client: { mark: "M", retries: 10, retryAfterMs: 5_000, continuations: 3, resumeTokens: 30 },
  /** How long the upstream takes to count a body's tokens. */
  counting: { mark: "A", latencyMs: 400 },
} as const satisfies Readonly<Record<string, Marked>>;
