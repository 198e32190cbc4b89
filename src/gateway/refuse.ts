/** Refusals that arise on a request's way, each with its sentence: what is wrong and what to do. */
import type { IncomingMessage } from "node:http";
import { refusal, type Refusal } from "../core/refusal.ts";
import type { BodyFault } from "../wire/anthropic/body.ts";
import type { Unsupported } from "../wire/egress.ts";
import type { Gateway } from "./ports.ts";

const PATH_CHARACTERS_MAX = 100;
const RETRY_SOON = { "retry-after": "5" };

/** 404 for what is not one of our listed paths. */
export function notFound({ method, url }: IncomingMessage): Refusal {
  const path = (url ?? "/").split("?")[0] ?? "/";
  return refusal(
    "not_found",
    `${method} ${path.slice(0, PATH_CHARACTERS_MAX)} is not served here; ` +
      "set ANTHROPIC_BASE_URL to the gateway's address followed by /anthropic.",
  );
}

/** 503 while the gateway is shutting down. */
export function draining(): Refusal {
  return refusal("draining", "The gateway is restarting; try again in a few seconds.", RETRY_SOON);
}

/** 400 with the byte at which the body stops being acceptable. */
export function bodyFault(fault: BodyFault): Refusal {
  return refusal(
    "bad_request",
    `The request body is not acceptable at byte ${fault.offset}: ${fault.problem}.`,
  );
}

/** 503 while nothing can be recorded. The cause is in the log, not in the answer: it names paths. */
export function journalRefusal(cause: string, gateway: Gateway): Refusal {
  gateway.log.error("request refused: the journal cannot be written", { cause });
  return refusal(
    "journal_unavailable",
    "The gateway cannot record requests at the moment and therefore serves none; " +
      "tell your platform team, and try again in a few seconds.",
    RETRY_SOON,
  );
}

/** 503 where an attempt got no answer that a client may see. */
export function notReached(provider: string, how: string | null): Refusal {
  return refusal(
    "no_provider_available",
    `Provider ${provider} gave no answer (${how ?? "no head"}); try again in a few seconds.`,
    RETRY_SOON,
  );
}

/** 503 where the provider refuses our own credential, which is shown in health and `tollgate doctor`. */
export function credentialRefused(provider: string): Refusal {
  return refusal(
    "no_provider_available",
    `Provider ${provider} does not accept the gateway's own credential; ` +
      "tell your platform team: `tollgate doctor` names it.",
    RETRY_SOON,
  );
}

/** A refusal by the limits of the target's own key: the client gets it only where no other may serve. */
export interface KeyIsFull extends Refusal {
  readonly keyIsFull: true;
}

export function keyIsFull(refused: Refusal): KeyIsFull {
  return { ...refused, keyIsFull: true };
}

export function isKeyFull(refused: Refusal): refused is KeyIsFull {
  return "keyIsFull" in refused;
}

/** A refusal of what an attempt claims: a smaller claim may fit, or the same one once others have ended. */
export interface ClaimRefused extends Refusal {
  readonly awaitsOthers: boolean;
}

export function claimRefused(refused: Refusal, isBusy: boolean): ClaimRefused {
  return { ...refused, awaitsOthers: isBusy };
}

export function isClaimRefused(refused: Refusal): refused is ClaimRefused {
  return "awaitsOthers" in refused;
}

/** Whether only others' holds are in the way. */
export function awaitsOthers(refused: Refusal): boolean {
  return isClaimRefused(refused) && refused.awaitsOthers;
}

/** 503 while every key that could serve rests. */
export function nobodyUsable(model: string, untilMs: number): Refusal {
  const seconds = Math.max(1, Math.ceil(untilMs / 1000));
  return refusal(
    "no_provider_available",
    `No provider can serve model ${model} at the moment; the first may again in ${seconds} s.`,
    { "retry-after": String(seconds) },
  );
}

/** 400 for what the chosen door cannot carry. */
export function unsupported({ message }: Unsupported): Refusal {
  return refusal("bad_request", message);
}
