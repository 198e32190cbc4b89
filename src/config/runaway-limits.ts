/** The detectors of runaways and their thresholds: names, defaults, and which way is stricter. */

/** From the mildest to the strictest. */
export const RUNAWAY_ACTIONS = ["observe", "warn", "slow", "stop"] as const;
export type RunawayAction = (typeof RUNAWAY_ACTIONS)[number];

export interface RunawayLimit {
  readonly default: number;
  readonly least: number;
  readonly most: number;
  /** Which of two values finds more: of a chain of scopes that one holds. */
  readonly stricter: "lower" | "higher";
  readonly meaning: string;
}

const MOST = 10_000_000;

export const RUNAWAY_LIMITS = {
  compaction_storm: {
    compactions: lower(3, "compactions of one agent with nothing typed between them"),
    within_minutes: higher(10, "in so many minutes"),
    calls_between: higher(2, "with at most so many other calls from one to the next"),
    kept_percent: { ...lower(70, "or with so much of the context left each time"), most: 100 },
  },
  subagent_explosion: {
    agents: lower(50, "subagents of one prompt, some started a minute or more after the first"),
    nested: lower(20, "or so many that subagents have started"),
    at_once: lower(150, "or so many in whatever way"),
    within_minutes: higher(10, "in so many minutes"),
  },
  retry_storm: {
    repeats: lower(5, "times the same body begun anew after it failed"),
    tries: lower(24, "or so many tries of it, the client's own repetitions included"),
    within_minutes: higher(30, "in so many minutes"),
  },
  hook_loop: {
    turns: lower(5, "answers in a row that ended their turn and were spoken to again at once"),
    gap_ms: higher(2_000, "milliseconds at most until then"),
    output_tokens: higher(500, "tokens of output at most in each"),
  },
  refusal_loop: {
    refusals: lower(4, "refusals in a row, each followed by a new request"),
    gap_ms: higher(3_000, "milliseconds at most until then"),
  },
  tool_loop: {
    repeats: lower(
      5,
      "times the same call failed, or brought the same result, cycles of 2-4 calls included",
    ),
    patient_repeats: lower(30, "times where it did not fail and was not asked in haste"),
    haste_ms: higher(10_000, "milliseconds between two calls that count as haste"),
  },
  noop_polling: {
    fires: lower(8, "prompts alike, at a steady pace"),
    jitter_percent: { ...higher(10, "percent that the pace may vary"), most: 100 },
    output_tokens: higher(400, "tokens of output at most for each"),
    calls: higher(3, "calls at most for each"),
  },
  cache_thrash: {
    drops: lower(4, "times a warm context was written again"),
    within_minutes: higher(30, "in so many minutes"),
    percent: { ...lower(3, "percent at least of the answers since the first of these"), most: 100 },
    context_tokens: lower(20_000, "tokens of context at least"),
    read_percent: { ...higher(50, "percent of it at most read from the cache"), most: 100 },
  },
  thinking_blowup: {
    output_tokens: lower(20_000, "tokens of output in one answer"),
    visible_bytes: higher(2_000, "bytes at most of which were visible"),
  },
  context_bill: {
    turns: lower(
      3,
      "short prompts in a row, each after the cache had expired, each answered in brief",
    ),
    context_tokens: lower(500_000, "tokens of context at least"),
    prompt_bytes: higher(200, "bytes of prompt at most"),
    output_tokens: higher(500, "tokens of output at most"),
    gap_seconds: lower(300, "seconds at least since the answer before"),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, RunawayLimit>>>>;

export type DetectorName = keyof typeof RUNAWAY_LIMITS;
export const DETECTOR_NAMES = Object.keys(RUNAWAY_LIMITS) as DetectorName[];

/** The thresholds of one detector, by their names in the file. */
export type LimitsOf<Name extends DetectorName> = {
  readonly [Limit in keyof (typeof RUNAWAY_LIMITS)[Name]]: number;
};

function lower(value: number, meaning: string): RunawayLimit {
  return { default: value, least: 1, most: MOST, stricter: "lower", meaning };
}

function higher(value: number, meaning: string): RunawayLimit {
  return { default: value, least: 1, most: MOST, stricter: "higher", meaning };
}
