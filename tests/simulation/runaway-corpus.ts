/** A corpus of sessions with known truth, and how well detectors tell runaways from the rest. */
import { DETECTOR_NAMES, type DetectorName } from "../../src/config/runaway-limits.ts";
import type { RunawaySettings } from "../../src/policy/runaway/settings.ts";
import { RunawayWatch } from "../../src/policy/runaway/watch.ts";
import { PARAMETERS } from "./parameters.ts";
import { streamOf } from "./random.ts";
import { LOOK_ALIKES } from "./runaway-alike.ts";
import { playNormally } from "./runaway-normal.ts";
import { RUNAWAYS } from "./runaway-patterns.ts";
import { Tape, type Fed } from "./runaway-tape.ts";
import { drawDay, drawDeveloper, USUAL, type SessionScript } from "./script.ts";

/** Normal sessions for each that runs away. */
const NORMAL_TO_RUNAWAY = 50;
/** Of the normal ones: those in which something looks like a runaway. */
const ALIKE_SHARE = 0.5;
const START_SHARE_MOST = 0.45;
const PROMPTS_BEFORE = 3;
const MIDNIGHT_MS = Date.UTC(2026, 10, 2);

export interface Score {
  readonly detector: DetectorName;
  readonly found: number;
  readonly missed: number;
  readonly wrong: number;
  readonly precision: number;
  readonly recall: number;
}

export interface Scored {
  readonly sessions: number;
  readonly requests: number;
  readonly scores: readonly Score[];
  readonly overall: { readonly precision: number; readonly recall: number };
  /** What was found where it is not: "detector in what". */
  readonly mistakes: readonly string[];
}

interface Labelled {
  readonly truth: DetectorName | null;
  /** For people: which look-alike, which pattern. */
  readonly label: string;
  readonly events: readonly Fed[];
}

/** Plays `each` sessions of every pattern and 50 normal ones for each of them; counts what is found. */
export function scoreCorpus(
  of: { readonly seed: number; readonly each: number; readonly normalToRunaway?: number },
  settings: RunawaySettings,
): Scored {
  const found = new Map<DetectorName, { right: number; wrong: number }>();
  const mistakes: string[] = [];
  let [sessions, requests] = [0, 0];
  for (const session of corpus(of)) {
    sessions++;
    requests += session.events.length / 2;
    for (const detector of detected(session.events, settings)) {
      const count = found.get(detector) ?? { right: 0, wrong: 0 };
      found.set(detector, count);
      if (detector === session.truth) count.right++;
      else {
        count.wrong++;
        mistakes.push(`${detector} in ${session.label}`);
      }
    }
  }
  const scores = DETECTOR_NAMES.map((detector) => {
    const { right, wrong } = found.get(detector) ?? { right: 0, wrong: 0 };
    const missed = of.each - right;
    return { detector, found: right, missed, wrong, ...rates(right, wrong, of.each) };
  });
  const right = scores.reduce((sum, score) => sum + score.found, 0);
  const overall = rates(right, mistakes.length, of.each * DETECTOR_NAMES.length);
  return { sessions, requests, scores, overall, mistakes };
}

function rates(right: number, wrong: number, all: number) {
  return { precision: right + wrong === 0 ? 0 : right / (right + wrong), recall: right / all };
}

function detected(events: readonly Fed[], settings: RunawaySettings): Set<DetectorName> {
  const watch = new RunawayWatch();
  const found = new Set<DetectorName>();
  for (const event of events) {
    const told =
      event.kind === "request"
        ? watch.request("s", event.seen, settings)
        : watch.answer("s", event.seen, settings);
    for (const { detector } of told) found.add(detector);
  }
  return found;
}

function* corpus({
  seed,
  each,
  normalToRunaway = NORMAL_TO_RUNAWAY,
}: Parameters<typeof scoreCorpus>[0]): Generator<Labelled> {
  const scripts = scriptsOf(seed);
  for (const detector of DETECTOR_NAMES)
    for (let index = 0; index < each; index++) {
      const tape = new Tape(streamOf(seed, detector, index));
      RUNAWAYS[detector](tape, playNormally(tape, next(scripts), PROMPTS_BEFORE));
      yield { truth: detector, label: detector, events: tape.sorted() };
    }
  const acts = Object.entries(LOOK_ALIKES);
  const normal = each * DETECTOR_NAMES.length * normalToRunaway;
  for (let index = 0; index < normal; index++) {
    const tape = new Tape(streamOf(seed, "normal", index));
    const script = next(scripts);
    if (index >= normal * ALIKE_SHARE) {
      playNormally(tape, script);
      yield { truth: null, label: "an ordinary session", events: tape.sorted() };
      continue;
    }
    const [label, act] = acts[index % acts.length] ?? ["", () => undefined];
    act(tape, playNormally(tape, script, PROMPTS_BEFORE));
    yield { truth: null, label, events: tape.sorted() };
  }
}

function next(scripts: Iterator<SessionScript, never>): SessionScript {
  return scripts.next().value;
}

function* scriptsOf(seed: number): Generator<SessionScript, never> {
  for (let index = 0; ; index++) {
    const developer = drawDeveloper(seed, index);
    // Whose window hardly holds what every context begins with compacts without end: a runaway.
    const windowTokens = Math.min(developer.windowTokens, PARAMETERS.compaction.byHandAbove);
    if (developer.startTokens > START_SHARE_MOST * windowTokens) continue;
    yield* drawDay({ seed, developer, day: 0, midnightMs: MIDNIGHT_MS, habits: USUAL });
  }
}
