/** Which target an attempt goes to: candidates in their order, keys by health, within the extra attempts. */
import type { Refusal } from "../core/refusal.ts";
import type { Books, Shortage } from "../ledger/decide.ts";
import { providerFull, roomInMs } from "../policy/explain.ts";
import { classify } from "../routing/attempts/classify.ts";
import { errorRow, type ErrorClass } from "../routing/attempts/error-class.ts";
import { nextMove, type NextMove } from "../routing/attempts/next-move.ts";
import { retryAfterMs } from "../routing/attempts/retry-after.ts";
import type { Passing } from "../routing/fairness/regained.ts";
import type { Pick, PickRequest } from "../routing/health/health.ts";
import { accountShortage, keysWithRoom } from "./accounts.ts";
import type { Exchange } from "./exchange.ts";
import { placesOf, roomInMsAt, takesOneMore, type Asking } from "./fair-places.ts";
import type { Place } from "./fair-waiting.ts";
import { isAllObserved } from "./observed.ts";
import type { Gateway } from "./ports.ts";
import { nobodyUsable } from "./refuse.ts";
import type { Relayed } from "./relay.ts";
import type { Candidate, Target } from "./candidates.ts";
import type { Routed } from "./route.ts";
import type { Seated } from "./seat.ts";

/** An attempt's end, as far as the next move depends on it. */
export interface Failed {
  readonly errorClass: ErrorClass;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
}

export interface NextTarget {
  readonly next: Target | null;
  readonly waitMs: number;
}

/** A target with the passage that health has given for it. */
interface Passage {
  readonly target: Target;
  readonly pick: Pick;
}

/** When a key could be asked. */
interface Outlook {
  readonly provider: string;
  /** By its health; 0 or less: now. */
  readonly wellInMs: number;
  readonly shortage: Shortage | null;
}

/** So often a request that was refused for its provider's rate goes back among those that wait. */
const WAITS_AGAIN_MAX = 2;
const NOWHERE: NextTarget = { next: null, waitMs: 0 };

export interface Way extends Routed {
  /** Of the session's last answer at the first candidate: its cache belongs to the account behind it. */
  readonly preferredKey: string | null;
  /** A warm cache makes the first candidate dear to leave. */
  readonly isWarm: boolean;
  readonly noteAt: Seated["noteAt"];
}

export class Course {
  readonly #exchange: Exchange;
  readonly #routed: Way;
  readonly #gateway: Gateway;
  readonly #deadlineMs: number;
  /** Candidates that were tried, each with the keys that were. */
  readonly #tried = new Map<Candidate, Set<string>>();
  #current: Passage | null = null;
  /** By which of the ledger's books a key's limits are judged; null: they are not. */
  #books: Books | null;
  #retries = 0;
  #isServing = false;
  /** Its turn among those that wait; null: it does not wait, and goes behind those that do. */
  #turn: { readonly provider: string; readonly taken: ReadonlySet<string> } | null = null;
  #passing: Passing | null = null;
  #waitsAgain = false;
  /** Since when it waits its turn; null: it has not. */
  #sinceMs: number | null = null;

  constructor(exchange: Exchange, routed: Way, gateway: Gateway) {
    this.#exchange = exchange;
    this.#routed = routed;
    this.#gateway = gateway;
    // An attempt that nobody answers takes one time-out; another one's worth is left for the next.
    this.#deadlineMs = exchange.receivedMs + 2 * gateway.timeouts().firstByteMs;
    gateway.retries.countRequest();
    const books = isAllObserved(exchange) ? "shadow" : "real";
    // No limit counts them.
    this.#books = exchange.endpoint === "count_tokens" ? null : books;
  }

  /** The first target; null where none may be asked now. */
  first(): Target | null {
    const first = this.#enter(this.#anyOf(this.#routed.candidates));
    if (first !== null || this.#books !== "shadow") return first;
    // Observe mode notes that there was no room, and serves all the same.
    this.#books = null;
    return this.#enter(this.#anyOf(this.#routed.candidates));
  }

  /** The target's key had no room any more when its hold was to be taken: as if it had not been chosen. */
  passOver(target: Target): Target | null {
    const { candidate } = target;
    this.abandon();
    this.#forgetTry(target);
    const { candidates, fallbacks } = this.#routed;
    const lists = [candidates, fallbacks.context_length, fallbacks.content_policy];
    return this.#enter(this.#anyOf(lists.find((list) => list.includes(candidate)) ?? candidates));
  }

  /** Its turn at a provider, but for keys that are taken; null: no room. */
  atTurn(provider: string, taken: ReadonlySet<string>): Target | null {
    this.#turn = { provider, taken };
    const passage = this.#anyOf(
      this.#routed.candidates.filter(({ use }) => use.provider.id === provider),
    );
    this.#turn = null;
    return passage === null ? null : this.#enter(passage);
  }

  /** Where waiting its turn can help within so long; nowhere, where there is no fair order. */
  places(): readonly Place[] {
    const { candidates } = this.#routed;
    return this.#queues() ? placesOf(candidates, this.#asking(), this.#tried) : [];
  }

  /** In how many milliseconds a provider may have room. */
  roomInMs(provider: string): number {
    return roomInMsAt(this.#routed.candidates, provider, this.#asking());
  }

  get candidates(): readonly Candidate[] {
    return this.#routed.candidates;
  }

  /** Who waits again, having had nothing, keeps its place and has paid. */
  waitsSince(costOf: () => number): { readonly sinceMs: number; readonly cost: number } {
    const known = this.#sinceMs;
    this.#sinceMs ??= this.#gateway.clock.monotonicMs();
    return { sinceMs: this.#sinceMs, cost: known === null ? costOf() : 0 };
  }

  /** Why waiting does not help any more; null: it may. */
  endsInVain(): Refusal | null {
    return this.places().length === 0 ? this.noneUsable() : null;
  }

  /** How long it may still wait for room. */
  leftMs(): number {
    return this.#gateway.fair.settings.waitMs - this.#exchange.waitedMs;
  }

  /** The provider has refused it for its rate, and nobody else can serve: it waits its turn. */
  get waitsAgain(): boolean {
    return this.#waitsAgain;
  }

  #queues(): boolean {
    return this.#books === "real" && this.#gateway.fair.settings.enabled;
  }

  #asking(): Asking {
    const { failOver } = this.#exchange.ruling.policy;
    return { books: this.#books, leftMs: this.leftMs(), failOver, gateway: this.#gateway };
  }

  /** Whether a key is well and short of nothing but the end of a request in flight. */
  awaitsRoom(): boolean {
    if (this.#books !== "real") return false;
    return this.#outlooks().some(
      ({ wellInMs, shortage }) => wellInMs <= 0 && shortage?.code === "concurrency_limited",
    );
  }

  /** The answer of the target goes out: it is well. */
  serving(headSeconds: number | null): void {
    this.#isServing = true;
    const firstContentMs = headSeconds === null ? null : headSeconds * 1000;
    this.#report("ok", { status: 200, retryAfterMs: null, firstContentMs });
  }

  /** The request has ended with this attempt. */
  ended(relayed: Relayed): void {
    const { errorClass } = this.classify(relayed) ?? { errorClass: "ok" };
    if (errorClass === "cut" && !relayed.clientGone)
      this.#report("cut", { status: relayed.status, retryAfterMs: null, firstContentMs: null });
    else if (!this.#isServing) this.abandon();
    this.#pass();
  }

  /** The class of an attempt's end; null for a whole answer. */
  classify(relayed: Relayed): Failed | null {
    const { status, failure, reading, upstreamHeaders } = relayed;
    const errorClass = classify({
      status,
      failure,
      fault: reading.error,
      headers: upstreamHeaders,
      contentSeen: relayed.answered,
      whole: relayed.answered && relayed.complete,
    });
    if (errorClass === "ok") return null;
    const told = retryAfterMs(upstreamHeaders, this.#gateway.clock.wallMs());
    return { errorClass, status, retryAfterMs: told ?? reading.error?.retryAfterMs ?? null };
  }

  /** Learns from a failed attempt and finds what to do next; nothing, where nothing may follow. */
  after(failed: Failed): NextTarget {
    const current = this.#current;
    if (current === null) return NOWHERE;
    const { errorClass, status } = failed;
    this.#report(errorClass, {
      status,
      retryAfterMs: failed.retryAfterMs,
      firstContentMs: null,
    });
    this.#pass();
    if (!this.#exchange.ruling.policy.failOver) return NOWHERE;
    const row = errorRow(errorClass);
    const fallback = row.ownFallback ? this.#fallback(errorClass) : null;
    const otherKey = row.otherKey ? this.#passageIn(current.target, false) : null;
    const otherTarget = row.otherTarget ? this.#passageBeside(current.target) : null;
    const move = nextMove({
      failed: errorClass,
      ownFallback: fallback !== null,
      otherKey: otherKey !== null,
      otherTarget: otherTarget !== null,
      prefersToStay: this.#routed.isWarm && current.target.candidate === this.#routed.candidates[0],
      retries: this.#retries,
      retryAfterMs: failed.retryAfterMs,
      leftMs: this.#deadlineMs - this.#gateway.clock.monotonicMs(),
      draw: this.#gateway.random(),
      takeExtra: () => this.#gateway.retries.take(this.#gateway.clock.monotonicMs()),
    });
    if (errorClass === "rate_limited" && this.#goesBehind(move, current)) return NOWHERE;
    return this.#follow(move, { current, fallback, otherKey, otherTarget });
  }

  /** Another target for a reason that has nothing to do with this one's health. */
  elsewhere(target: Target): NextTarget {
    this.abandon();
    return { next: this.#enter(this.#passageBeside(target)), waitMs: 0 };
  }

  /** The attempt ended without telling anything of its target. */
  abandon(): void {
    if (this.#current !== null) this.#gateway.health.abandon(this.#current.pick);
    this.#pass();
  }

  /** Why nobody can be asked now, and when the first can. */
  noneUsable(): Refusal {
    const ledgerMs = this.#gateway.ledgerClock.nowMs();
    let full: { readonly provider: string; readonly inMs: number } | null = null;
    let leastMs = Infinity;
    for (const { provider, wellInMs, shortage } of this.#outlooks()) {
      const roomMs = shortage === null ? 0 : roomInMs(shortage, ledgerMs);
      leastMs = Math.min(leastMs, Math.max(wellInMs, roomMs));
      if (shortage === null || (wellInMs > 0 && roomMs < Infinity)) continue;
      if (full === null || roomMs < full.inMs) full = { provider, inMs: roomMs };
    }
    if (full !== null) return providerFull(full.provider, leastMs);
    return nobodyUsable(this.#exchange.subject?.requestedModel ?? "", leastMs);
  }

  /** Of every key that could serve: when its health lets it, and the limit that it is short of. */
  #outlooks(): Outlook[] {
    const { health, clock } = this.#gateway;
    return this.#routed.candidates.flatMap((candidate) => {
      const provider = candidate.use.provider.id;
      // "Now" is read anew by health, and passes: ours is read after it.
      const wellInMs = (keys: Candidate["keys"]) =>
        health.usableAtMs(provider, keys) - clock.monotonicMs();
      if (candidate.keys.length === 0)
        return [{ provider, wellInMs: wellInMs([]), shortage: null }];
      return candidate.keys.map((key) => ({
        provider,
        wellInMs: wellInMs([key]),
        shortage:
          this.#books === null
            ? null
            : accountShortage(candidate, key.id, this.#books, this.#gateway),
      }));
    });
  }

  /** Instead of a pause by itself: room comes to all who wait for it in their order. */
  #goesBehind(move: NextMove, { target }: Passage): boolean {
    if (!this.#queues() || this.#retries >= WAITS_AGAIN_MAX) return false;
    if (move.kind !== "same_key" && (move.kind !== "stop" || move.why !== "deadline")) return false;
    this.#forgetTry(target);
    if (this.leftMs() <= 0 || this.places().length === 0) return false;
    const { retries, clock } = this.#gateway;
    if (move.kind === "stop" && !retries.take(clock.monotonicMs())) return false;
    this.#retries++;
    this.#waitsAgain = true;
    return true;
  }

  #forgetTry({ candidate, credential }: Target): void {
    const tried = this.#tried.get(candidate);
    tried?.delete(credential?.id ?? "");
    if (tried?.size === 0) this.#tried.delete(candidate);
  }

  #follow(
    move: NextMove,
    of: {
      readonly current: Passage;
      readonly fallback: Passage | null;
      readonly otherKey: Passage | null;
      readonly otherTarget: Passage | null;
    },
  ): NextTarget {
    const { current, fallback, otherKey, otherTarget } = of;
    const moves = { own_fallback: fallback, other_key: otherKey, other_target: otherTarget };
    for (const [kind, passage] of Object.entries(moves))
      if (passage !== null && kind !== move.kind) this.#gateway.health.abandon(passage.pick);
    switch (move.kind) {
      case "other_key":
        return { next: this.#enter(otherKey), waitMs: 0 };
      case "other_target":
        return { next: this.#enter(otherTarget), waitMs: 0 };
      case "same_key":
        this.#retries++;
        return { next: this.#enter(this.#again(current.target, move.waitMs)), waitMs: move.waitMs };
      case "own_fallback":
        return { next: this.#enter(fallback), waitMs: 0 };
      case "stop":
        return NOWHERE;
    }
  }

  #enter(passage: Passage | null): Target | null {
    this.#current = passage;
    if (passage === null) return null;
    this.#waitsAgain = false;
    const { target } = passage;
    this.#begin(passage);
    const [own] = this.#routed.candidates;
    const isAfterFailure = own !== undefined && this.#tried.has(own);
    this.#exchange.routeNote = this.#routed.noteAt(target, isAfterFailure);
    const tried = this.#tried.get(target.candidate);
    const key = target.credential?.id ?? "";
    if (tried === undefined) this.#tried.set(target.candidate, new Set([key]));
    else tried.add(key);
    return target;
  }

  /** The first candidate that may be asked. */
  #anyOf(candidates: readonly Candidate[]): Passage | null {
    return this.#passage(candidates, false) ?? this.#passage(candidates, true);
  }

  #passage(candidates: readonly Candidate[], lastResort: boolean): Passage | null {
    for (const candidate of candidates) {
      const passage = this.#passageIn(candidate, lastResort);
      if (passage !== null) return passage;
    }
    return null;
  }

  #passageBeside({ candidate }: Target): Passage | null {
    for (const other of this.#routed.candidates) {
      if (other === candidate || this.#tried.has(other)) continue;
      const passage = this.#passageIn(other, false) ?? this.#passageIn(other, true);
      if (passage !== null) return passage;
    }
    return null;
  }

  #passageIn(of: Candidate | Target, lastResort: boolean): Passage | null {
    const candidate = "candidate" in of ? of.candidate : of;
    const tried = this.#tried.get(candidate);
    const open = this.#open(candidate);
    if (open === null) return null;
    const keys = tried === undefined ? open : open.filter(({ id }) => !tried.has(id));
    // Without a key only who needs none is asked, and once.
    if (keys.length === 0 && (tried !== undefined || candidate.keys.length > 0)) return null;
    return this.#pick(candidate, keys, { lastResort, inMs: 0 });
  }

  /** Keys with room that is for this request; null: not even a provider without keys has any. */
  #open(candidate: Candidate): Candidate["keys"] | null {
    if (this.#books === null) return candidate.keys;
    const open = keysWithRoom(candidate, this.#books, this.#gateway);
    if (!this.#queues()) return open;
    if (candidate.keys.length === 0) return this.#mayTake(candidate, "") ? open : null;
    return open.every(({ id }) => this.#mayTake(candidate, id))
      ? open
      : open.filter(({ id }) => this.#mayTake(candidate, id));
  }

  #mayTake({ use }: Candidate, key: string): boolean {
    const provider = use.provider.id;
    const { fair } = this.#gateway;
    const isOthers =
      this.#turn === null ? fair.isAwaited(provider, key) : this.#turn.taken.has(key);
    return !isOthers && takesOneMore(provider, key, this.#asking());
  }

  /** A target that the rule names for just this refusal. */
  #fallback(of: ErrorClass): Passage | null {
    if (of !== "context_length" && of !== "content_policy") return null;
    for (const candidate of this.#routed.fallbacks[of]) {
      if (this.#tried.has(candidate)) continue;
      const passage = this.#passageIn(candidate, false) ?? this.#passageIn(candidate, true);
      if (passage !== null) return passage;
    }
    return null;
  }

  /** The same key once more: whether it may be asked is a question of when. */
  #again({ candidate, credential }: Target, inMs: number): Passage | null {
    const keys = credential === null ? [] : [credential];
    return this.#pick(candidate, keys, { lastResort: true, inMs });
  }

  #pick(
    candidate: Candidate,
    keys: Candidate["keys"],
    { lastResort, inMs }: { readonly lastResort: boolean; readonly inMs: number },
  ): Passage | null {
    const request = {
      provider: candidate.use.provider.id,
      keys,
      model: candidate.model,
      draw: this.#gateway.random(),
      preferred: candidate === this.#routed.candidates[0] ? this.#routed.preferredKey : null,
      lastResort,
      inMs,
    };
    const pick = this.#exchange.ruling.policy.failOver
      ? this.#gateway.health.pick(request)
      : this.#drawn(request);
    if (pick === null) return null;
    const credential = keys.find(({ id }) => id === pick.key) ?? null;
    return { target: { ...candidate, candidate, credential }, pick };
  }

  /** Without fail-over nobody is left alone: the draw by weight decides. */
  #drawn({ provider, model, keys, draw }: PickRequest): Pick {
    let rest = draw * keys.reduce((sum, { weight }) => sum + weight, 0);
    const drawn = keys.find(({ weight }) => (rest -= weight) < 0) ?? keys.at(-1);
    const beganMs = this.#gateway.clock.monotonicMs();
    return { provider, model, key: drawn?.id ?? null, probe: false, beganMs };
  }

  #report(outcome: ErrorClass | "ok", detail: Parameters<Gateway["health"]["report"]>[2]): void {
    if (this.#current === null) return;
    const { health, fair, clock } = this.#gateway;
    const { pick } = this.#current;
    health.report(pick, outcome, detail);
    const nowMs = clock.monotonicMs();
    if (outcome === "ok") this.#passing?.regain.succeeded(nowMs);
    else if (outcome === "rate_limited" && this.#queues())
      fair.regained.refused(pick.provider, pick.key ?? "", { beganMs: pick.beganMs, nowMs });
    fair.wake();
  }

  /** An attempt counts among those of a key that comes back by degrees. */
  #begin({ pick }: Passage): void {
    this.#pass();
    if (!this.#queues()) return;
    this.#passing = this.#gateway.fair.regained.begin(pick.provider, pick.key ?? "", pick.beganMs);
  }

  #pass(): void {
    if (this.#passing === null) return;
    this.#passing.regain.end();
    this.#passing = null;
    this.#gateway.fair.wake();
  }
}
