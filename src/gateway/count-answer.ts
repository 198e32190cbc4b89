/** The count of a request's input where no answer of the door can pass: by the door's own count, or estimated. */
import type { WireFormat } from "../providers/row.ts";
import { estimatedInputTokens } from "../wire/canonical/estimate.ts";
import { ownHead } from "./answer.ts";
import type { Attempt } from "./attempt.ts";
import type { Target } from "./candidates.ts";
import { countInput } from "./count-input.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";

/** Formats whose counts are asked and answered as the client's own. */
const PASSING: ReadonlySet<WireFormat> = new Set(["anthropic-messages", "vertex-anthropic"]);

export interface CountedHere {
  readonly tokens: number;
  readonly isEstimate: boolean;
}

/** True where the door answers counts in the client's own dialect. */
export function passesCounts({ door, address }: Target): boolean {
  return address.countTokens !== null && PASSING.has(door.format);
}

/** Tokens of the input by the door's own count; where it has or gives none, an estimate. */
export async function countHere(attempt: Attempt, gateway: Gateway): Promise<CountedHere> {
  const counted = await countInput(attempt, gateway);
  return counted === null ? estimateHere(attempt) : { tokens: counted, isEstimate: false };
}

/** Where the door's own count has failed. */
export function estimateHere(attempt: Pick<Attempt, "canonical" | "body">): CountedHere {
  const canonical = attempt.canonical();
  const bytes = attempt.body.byteLength;
  const tokens = "unsupported" in canonical ? bytes : estimatedInputTokens(canonical);
  return { tokens, isEstimate: true };
}

/** Head and body of the answer; an estimate says that it is one. */
export function countReply(exchange: Exchange, { tokens, isEstimate }: CountedHere) {
  const body = Buffer.from(JSON.stringify({ input_tokens: tokens }));
  const head: Record<string, string> = {
    ...ownHead(exchange),
    "content-type": "application/json",
    "content-length": String(body.length),
    ...(isEstimate ? { "tollgate-estimated": "input_tokens" } : {}),
  };
  return { head, body };
}
