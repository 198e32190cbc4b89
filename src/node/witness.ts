/** Asks an upstream what time it is, when this machine's clock has jumped. */
import type { Config } from "../config/config.ts";
import { collect } from "../gateway/collect.ts";
import { rowOf } from "../providers/catalogue.ts";
import type { Clients } from "./clients.ts";

const DEADLINE_MS = 5_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/** A provider over the network, whose `Date` header can vouch for the time; null: there is none. */
export function witnessOrigin(config: Config): string | null {
  for (const provider of config.providers) {
    const row = rowOf(provider.kind);
    const baseUrl = provider.baseUrl ?? row?.baseUrl ?? null;
    if (row?.transport === "http" && baseUrl !== null) return new URL(baseUrl).origin;
  }
  return null;
}

/** The origin's `Date`, Unix milliseconds; null where it gives none in time. The request is free. */
export async function askDate(origin: string, clients: Clients): Promise<number | null> {
  const answer = await collect(
    clients.of("anthropic"),
    {
      method: "HEAD",
      origin,
      path: "/",
      headers: {},
      body: null,
      firstByteTimeoutMs: DEADLINE_MS,
      idleTimeoutMs: DEADLINE_MS,
      allowPrivateNetwork: true,
    },
    { deadlineMs: DEADLINE_MS, maxBytes: ANSWER_BYTES_MAX },
  );
  const timeMs = Date.parse(answer?.headers["date"] ?? "");
  return Number.isNaN(timeMs) ? null : timeMs;
}
