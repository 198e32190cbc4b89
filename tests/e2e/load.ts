/** Many clients at once: sends requests with at most so many in flight, and survives a dying gateway. */
import { send, type RawAnswer } from "../harness/raw-request.ts";

export interface LoadRequest {
  readonly key: string;
  /** Unique to the request where rows shall be matched with the bill one by one. */
  readonly session: string;
  readonly stream: boolean;
  readonly maxTokens: number;
  /** The client hangs up after that time; null: it waits. */
  readonly hangUpMs: number | null;
}

const LOAD_MODEL = "claude-opus-5-5";

/** Runs `next` until it gives null, `width` at a time. Failures of connections are results, too. */
export async function inParallel<T>(width: number, next: () => Promise<T> | null): Promise<T[]> {
  const results: T[] = [];
  const lane = async (): Promise<void> => {
    for (let pending = next(); pending !== null; pending = next()) results.push(await pending);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}

/** Sends one request; null where the connection broke or was given up. */
export async function sendLoad(origin: string, load: LoadRequest): Promise<RawAnswer | null> {
  const body = JSON.stringify({
    model: LOAD_MODEL,
    max_tokens: load.maxTokens,
    messages: [{ role: "user", content: `Request ${load.session}` }],
    stream: load.stream,
  });
  const headers = {
    "x-api-key": load.key,
    "x-claude-code-session-id": load.session,
    "content-type": "application/json",
  };
  const patience = load.hangUpMs === null ? {} : { signal: AbortSignal.timeout(load.hangUpMs) };
  return send(origin, { path: "/v1/messages", headers, body, ...patience }).catch(() => null);
}
