/** Follows sessions with every detector and tells each finding once. */
import {
  DETECTOR_NAMES,
  type DetectorName,
  type RunawayAction,
} from "../../config/runaway-limits.ts";
import { Recent } from "./bounded.ts";
import { cacheThrash } from "./cache-thrash.ts";
import { compactionStorm } from "./compaction-storm.ts";
import { contextBill } from "./context-bill.ts";
import type { AnswerSeen, Detector, Finding, RequestSeen } from "./event.ts";
import { hookLoop } from "./hook-loop.ts";
import { noopPolling } from "./noop-polling.ts";
import { refusalLoop } from "./refusal-loop.ts";
import { retryStorm } from "./retry-storm.ts";
import type { DetectorSettings, RunawaySettings } from "./settings.ts";
import { subagentExplosion } from "./subagent-explosion.ts";
import { thinkingBlowup } from "./thinking-blowup.ts";
import { toolLoop } from "./tool-loop.ts";

type Detectors = {
  [Name in DetectorName]: () => Detector<DetectorSettings<Name>["limits"]>;
};

const DETECTORS: Detectors = {
  compaction_storm: compactionStorm,
  subagent_explosion: subagentExplosion,
  retry_storm: retryStorm,
  hook_loop: hookLoop,
  refusal_loop: refusalLoop,
  tool_loop: toolLoop,
  noop_polling: noopPolling,
  cache_thrash: cacheThrash,
  thinking_blowup: thinkingBlowup,
  context_bill: contextBill,
};

/** A finding that is worth telling, and what is to follow. */
export interface Told extends Finding {
  readonly detector: DetectorName;
  readonly action: RunawayAction;
}

/** Beyond this the session that was longest silent is forgotten. */
const SESSIONS_MAX = 20_000;

export class RunawayWatch {
  readonly #sessions = new Recent<Session>(SESSIONS_MAX);

  /** A request of the session has been read. `session` names it among all keys. */
  request(session: string, seen: RequestSeen, settings: RunawaySettings): readonly Told[] {
    return this.#sessionOf(session).feed("request", seen, settings);
  }

  /** A request of it has ended. */
  answer(session: string, seen: AnswerSeen, settings: RunawaySettings): readonly Told[] {
    return this.#sessionOf(session).feed("answer", seen, settings);
  }

  #sessionOf(name: string): Session {
    const known = this.#sessions.get(name);
    if (known !== undefined) return known;
    const session = new Session();
    this.#sessions.set(name, session);
    return session;
  }
}

const NOTHING: readonly Told[] = [];

class Session {
  readonly #detectors: Record<DetectorName, Detector<never>> = freshDetectors();
  readonly #toldMs = new Map<DetectorName, number>();

  feed<Kind extends "request" | "answer">(
    kind: Kind,
    seen: Kind extends "request" ? RequestSeen : AnswerSeen,
    settings: RunawaySettings,
  ): readonly Told[] {
    let told: Told[] | null = null;
    for (const name of DETECTOR_NAMES) {
      const finding = this.#ask(name, kind, seen, settings);
      if (finding === null) continue;
      // It has to build up anew before there is another.
      this.#detectors[name] = DETECTORS[name]();
      const lastMs = this.#toldMs.get(name);
      if (lastMs !== undefined && seen.timeMs - lastMs < settings.cooldownMs) continue;
      this.#toldMs.set(name, seen.timeMs);
      (told ??= []).push({
        detector: name,
        action: settings.detectors[name].action,
        sentence: finding.sentence,
        evidence: finding.evidence,
      });
    }
    return told ?? NOTHING;
  }

  #ask(
    name: DetectorName,
    kind: "request" | "answer",
    seen: RequestSeen | AnswerSeen,
    settings: RunawaySettings,
  ): Finding | null {
    const detector = this.#detectors[name];
    const limits = settings.detectors[name].limits as never;
    if (kind === "request") return detector.request?.(seen as RequestSeen, limits) ?? null;
    return detector.answer?.(seen as AnswerSeen, limits) ?? null;
  }
}

function freshDetectors(): Record<DetectorName, Detector<never>> {
  const all: (readonly [DetectorName, Detector<never>])[] = DETECTOR_NAMES.map((name) => [
    name,
    DETECTORS[name](),
  ]);
  return Object.fromEntries(all) as Record<DetectorName, Detector<never>>;
}
