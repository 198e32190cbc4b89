/** Measures the product's own work on a request, without sockets, against `JSON.parse` of its body. */
import { BODY_SIZES, chunksOf, messagesBody } from "./bodies.ts";
import { openGoverned, STEPS, type Governed, type Step, type Stopwatch } from "./governed.ts";
import { median } from "./statistics.ts";

export type BodySize = keyof typeof BODY_SIZES;

/** Whole ÷ `JSON.parse` of the same body may not be more. */
export const PARSE_RATIO_MAX: Readonly<Record<BodySize, number>> = {
  "4 kB": 0.9,
  "100 kB": 1 / 7,
  "264 kB": 1 / 7,
  "834 kB": 1 / 7,
};

export interface InProcess {
  readonly size: BodySize;
  /** CPU of the main thread for one request, journal writes included, microseconds. */
  readonly wholeUs: number;
  /** The same for `JSON.parse(body.toString())`. */
  readonly parseUs: number;
  /** Median over the rounds of whole ÷ parse: both of one round were measured within milliseconds. */
  readonly ratio: number;
  /** Of the whole; "journal" is the writes, by difference. */
  readonly stepsUs: ReadonlyMap<Step | "journal", number>;
}

export interface InProcessOptions {
  readonly rounds: number;
  /** Of each measurement of a round. */
  readonly sampleMs: number;
}

/** Requests in flight: their records share one write, as under any load. */
const IN_FLIGHT = 16;
const WARM_UP_MS = 400;
const US_PER_MS = 1000;

const NO_WATCH: Stopwatch = { resume: () => undefined, lap: () => undefined };

/** Rounds over all sizes, interleaved; medians. */
export async function measureInProcess(options: InProcessOptions): Promise<InProcess[]> {
  const governed = await openGoverned();
  try {
    const subjects = Object.entries(BODY_SIZES).map(([size, bytes]) =>
      subjectOf(governed, size as BodySize, bytes),
    );
    for (const subject of subjects) await calibrate(subject, options.sampleMs);
    for (let round = 0; round < options.rounds; round++)
      for (const subject of subjects) await measureRound(subject);
    return subjects.map(resultOf);
  } finally {
    await governed.close();
  }
}

interface Subject {
  readonly size: BodySize;
  readonly whole: () => Promise<void>;
  /** The same with a clock between the steps, whose times it adds up. */
  readonly timed: (watch: Stopwatch) => Promise<void>;
  readonly parse: () => void;
  readonly rounds: { readonly wholeUs: number; readonly parseUs: number }[];
  /** Microseconds a request. */
  readonly steps: ReadonlyMap<Step, number>[];
  /** Groups of requests, and parses, in one measurement. */
  groups: number;
  parses: number;
}

function subjectOf(governed: Governed, size: BodySize, bytes: number): Subject {
  const body = messagesBody({ bytes, stream: true });
  const chunks = chunksOf(body);
  const group = async (watch: Stopwatch): Promise<void> => {
    const requests: Promise<void>[] = [];
    for (let index = 0; index < IN_FLIGHT; index++) requests.push(governed.govern(chunks, watch));
    await Promise.all(requests);
    // The outcomes are written in a turn of their own.
    await nextTurn();
  };
  return {
    size,
    whole: () => group(NO_WATCH),
    timed: group,
    parse: () => void JSON.parse(body.toString()),
    rounds: [],
    steps: [],
    groups: 1,
    parses: 1,
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function stopwatch(): { readonly watch: Stopwatch; readonly sums: Map<Step, number> } {
  const sums = new Map<Step, number>(STEPS.map((step) => [step, 0]));
  let atMs = 0;
  const watch: Stopwatch = {
    resume: () => {
      atMs = performance.now();
    },
    lap: (step) => {
      const nowMs = performance.now();
      sums.set(step, (sums.get(step) ?? 0) + nowMs - atMs);
      atMs = nowMs;
    },
  };
  return { watch, sums };
}

async function calibrate(subject: Subject, sampleMs: number): Promise<void> {
  await msOf(() => subject.timed(stopwatch().watch));
  const groupMs = await msOf(subject.whole);
  const parseMs = await msOf(() => Promise.resolve(subject.parse()));
  subject.groups = Math.max(1, Math.round(sampleMs / groupMs));
  subject.parses = Math.max(1, Math.round(sampleMs / parseMs));
}

/** Warms up, then the time of one run. */
async function msOf(run: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  let runs = 0;
  let lastMs = Infinity;
  while (performance.now() - startMs < WARM_UP_MS || runs < 3) {
    const fromMs = performance.now();
    await run();
    lastMs = Math.min(lastMs, performance.now() - fromMs);
    runs++;
  }
  return lastMs;
}

async function measureRound(subject: Subject): Promise<void> {
  const wholeUs = await cpuUsOf(async () => {
    for (let index = 0; index < subject.groups; index++) await subject.whole();
  });
  const parseUs = await cpuUsOf(() => {
    for (let index = 0; index < subject.parses; index++) subject.parse();
    return Promise.resolve();
  });
  subject.rounds.push({
    wholeUs: wholeUs / (subject.groups * IN_FLIGHT),
    parseUs: parseUs / subject.parses,
  });
  subject.steps.push(await timeSteps(subject));
}

async function timeSteps(subject: Subject): Promise<ReadonlyMap<Step, number>> {
  const { watch, sums } = stopwatch();
  for (let index = 0; index < subject.groups; index++) await subject.timed(watch);
  const requests = subject.groups * IN_FLIGHT;
  return new Map([...sums].map(([step, ms]) => [step, (ms * US_PER_MS) / requests]));
}

/** CPU time of this thread: what other processes do on the machine does not count. */
async function cpuUsOf(run: () => Promise<void>): Promise<number> {
  const before = threadCpu();
  await run();
  const after = threadCpu();
  return after.user + after.system - before.user - before.system;
}

/** The kernel brings a thread's account up to date at ticks only, and when the whole process is asked for. */
function threadCpu(): NodeJS.CpuUsage {
  process.cpuUsage();
  return process.threadCpuUsage();
}

function resultOf(subject: Subject): InProcess {
  const { size, rounds } = subject;
  const wholeUs = median(rounds.map((round) => round.wholeUs));
  const stepsUs = new Map<Step | "journal", number>(leastDisturbed(subject.steps));
  stepsUs.set("journal", Math.max(0, wholeUs - sumOf(stepsUs)));
  return {
    size,
    wholeUs,
    parseUs: median(rounds.map((round) => round.parseUs)),
    ratio: median(rounds.map((round) => round.wholeUs / round.parseUs)),
    stepsUs,
  };
}

/** The steps' clock runs on while other processes have the core: the shortest round saw least of them. */
function leastDisturbed(rounds: readonly ReadonlyMap<Step, number>[]): ReadonlyMap<Step, number> {
  const sorted = rounds.toSorted((left, right) => sumOf(left) - sumOf(right));
  return sorted[0] ?? new Map<Step, number>();
}

function sumOf(times: ReadonlyMap<unknown, number>): number {
  return [...times.values()].reduce((sum, us) => sum + us, 0);
}
