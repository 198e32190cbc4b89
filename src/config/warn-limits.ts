/** Warns of limits on tokens that are too small for one ordinary request. */
import type { Config, LimitConfig } from "./config.ts";
import type { Path } from "./fault.ts";

/** What a session's requests soon have as context, all of which is held until it is known to be cached. */
const ORDINARY_INPUT_TOKENS = 100_000;
/** Answers are clamped lower only instead of a refusal. */
const ORDINARY_OUTPUT_TOKENS = 8_000;

/** Tells `warn` of each limit of the chain that has no room for a request with 100,000 tokens of context. */
export function warnOfSmallLimits(
  config: Config,
  warn: (path: Path, message: string) => void,
): void {
  for (const [path, limits] of limitsOf(config))
    for (const [index, limit] of limits.entries()) {
      const ordinary = ordinaryOf(limit);
      const most = limit.burst ?? Number(limit.amount);
      if (ordinary === null || limit.overshoot === "last_request" || most >= ordinary) continue;
      const field = limit.burst === null ? limit.unit : "burst";
      const message = `${most} is small: below ${ordinary} an ordinary request does not fit`;
      warn([...path, index, field], message);
    }
}

function ordinaryOf({ unit }: LimitConfig): number | null {
  if (unit === "input_tokens") return ORDINARY_INPUT_TOKENS;
  return unit === "output_tokens" ? ORDINARY_OUTPUT_TOKENS : null;
}

/** The limits of every scope of the chain, which hold by reservation. */
function* limitsOf(config: Config): Generator<[Path, readonly LimitConfig[]]> {
  const scopes = {
    customers: config.customers,
    teams: config.teams,
    owners: config.owners,
    virtual_keys: config.virtualKeys,
  };
  for (const [name, entities] of Object.entries(scopes))
    for (const [index, { rateLimits }] of entities.entries())
      yield [[name, index, "rate_limits"], rateLimits];
  for (const [index, key] of config.virtualKeys.entries())
    for (const [at, { rateLimits }] of (key.providers ?? []).entries())
      yield [["virtual_keys", index, "providers", at, "rate_limits"], rateLimits];
}
