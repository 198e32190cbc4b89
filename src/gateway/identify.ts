/** Finds the caller: virtual key → plan. Sees credentials, never keeps or logs them. */
import type { IncomingHttpHeaders } from "node:http";
import { refusal, type Refusal } from "../core/refusal.ts";
import { claimsToBeKey, looksMistyped } from "../identity/secret.ts";
import type { Plan } from "../policy/plan.ts";
import type { Ruling } from "./ports.ts";

const BEARER = /^Bearer\s+(\S+)$/i;

/** The plan of the key that the headers carry, or why there is none. */
export function identify(
  headers: IncomingHttpHeaders,
  ruling: Ruling,
  nowMs: number,
): Plan | Refusal {
  const secret = secretOf(headers);
  if (secret === null)
    return refusal(
      "unknown_key",
      "No Tollgate virtual key was sent; set ANTHROPIC_API_KEY to your key (vk_…) and try again.",
    );
  const found = ruling.keys.identify(secret, nowMs);
  const plan = found.state === "unknown" ? undefined : ruling.policy.plans.get(found.virtualKey);
  if (found.state === "unknown" || plan === undefined)
    return refusal("unknown_key", unknownMessage(secret));
  if (found.state === "revoked")
    return refusal(
      "revoked_key",
      `Virtual key ${plan.virtualKey} was revoked or replaced; ask your platform team for a new one.`,
    );
  if (plan.expiresMs !== null && nowMs >= plan.expiresMs)
    return refusal(
      "revoked_key",
      `Virtual key ${plan.virtualKey} has expired; ask your platform team for a new one.`,
    );
  return plan;
}

function unknownMessage(secret: string): string {
  return looksMistyped(secret)
    ? "The virtual key is mistyped: its checksum does not fit; copy it again in full."
    : "The virtual key is not known here; check ANTHROPIC_API_KEY, or ask your platform team for one.";
}

/** `x-api-key` wins over `Authorization`; a value that is no virtual key beside one that is, is ignored. */
function secretOf(headers: IncomingHttpHeaders): string | null {
  const apiKey = headers["x-api-key"];
  if (typeof apiKey === "string" && claimsToBeKey(apiKey)) return apiKey;
  const bearer = BEARER.exec(headers.authorization ?? "")?.[1];
  return bearer !== undefined && claimsToBeKey(bearer) ? bearer : null;
}
