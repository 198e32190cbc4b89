/** What happens to two providers on one simulated day: refusals, an outage, a slow hour, spent limits. */
import { streamOf } from "./random.ts";

/** A key of a provider: what a prompt cache, and a limit, belongs to. */
export type Account = `${string}/${string}`;

export interface Refused {
  readonly status: number;
  readonly retryAfterSeconds: number | null;
}

interface Stretch {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Weather {
  /** How an account refuses an attempt that begins now; null: it answers. `name` draws the luck. */
  readonly refusal: (account: Account, nowMs: number, name: string) => Refused | null;
  /** An account that refuses everybody now: in an outage, or beyond its limit. */
  readonly isShut: (account: Account, nowMs: number) => boolean;
  /** How many times longer than usual an answer takes. */
  readonly slowness: (account: Account, nowMs: number) => number;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Of attempts on any account: a single refusal, which says nothing of the next. */
const SPORADIC_SHARE = 0.003;
const SPORADIC_STATUSES = [529, 529, 500, 502, 503] as const;
/** The same in ten minutes of overload. */
const STORMY_SHARE = 0.2;
/** How often a day an account meets its limit, and for how long it then refuses: seconds. */
const LIMITS_A_DAY = 6;
const LIMIT_SECONDS = [2, 20] as const;
const SLOWNESS = 3;

/** The day that begins at `midnightMs`; its limits fall into office hours, like its traffic. */
export function stormyDay(
  seed: number,
  of: {
    readonly midnightMs: number;
    readonly accounts: readonly Account[];
    readonly outageOf: string;
  },
): Weather {
  const at = (hour: number) => of.midnightMs + hour * HOUR_MS;
  const outage = { fromMs: at(14.5), untilMs: at(14.5) + 10 * MINUTE_MS };
  const storm = { fromMs: at(16.5), untilMs: at(16.5) + 10 * MINUTE_MS };
  const slowHour = { fromMs: at(10), untilMs: at(11) };
  const limits = new Map(
    of.accounts.map((account) => [account, limitsOf(seed, account, at(8))] as const),
  );
  const isDown = (account: Account, nowMs: number) =>
    providerOf(account) === of.outageOf && isWithin(outage, nowMs);
  const limitOf = (account: Account, nowMs: number) =>
    limits.get(account)?.find((limit) => isWithin(limit, nowMs)) ?? null;
  return {
    refusal(account, nowMs, name) {
      if (isDown(account, nowMs)) return { status: 503, retryAfterSeconds: null };
      const limit = limitOf(account, nowMs);
      if (limit !== null)
        return { status: 429, retryAfterSeconds: Math.ceil((limit.untilMs - nowMs) / 1000) };
      const luck = streamOf(seed, "sporadic", account, name);
      const isStormy = providerOf(account) === of.outageOf && isWithin(storm, nowMs);
      if (luck() >= (isStormy ? STORMY_SHARE : SPORADIC_SHARE)) return null;
      const status = SPORADIC_STATUSES[Math.floor(luck() * SPORADIC_STATUSES.length)] ?? 529;
      return { status, retryAfterSeconds: null };
    },
    isShut: (account, nowMs) => isDown(account, nowMs) || limitOf(account, nowMs) !== null,
    slowness: (account, nowMs) =>
      providerOf(account) === of.outageOf && isWithin(slowHour, nowMs) ? SLOWNESS : 1,
  };
}

/** A day without a fault. */
export const FAIR: Weather = { refusal: () => null, isShut: () => false, slowness: () => 1 };

export function providerOf(account: Account): string {
  return account.slice(0, account.indexOf("/"));
}

function limitsOf(seed: number, account: Account, fromMs: number): Stretch[] {
  const draw = streamOf(seed, "limits", account);
  const [shortest, longest] = LIMIT_SECONDS;
  return Array.from({ length: LIMITS_A_DAY }, () => {
    const startMs = fromMs + draw() * 11 * HOUR_MS;
    const seconds = shortest + draw() * (longest - shortest);
    return { fromMs: startMs, untilMs: startMs + seconds * 1000 };
  });
}

function isWithin({ fromMs, untilMs }: Stretch, nowMs: number): boolean {
  return nowMs >= fromMs && nowMs < untilMs;
}
