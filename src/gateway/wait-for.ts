/** Lets a request wait for room: others' holds that settle, a provider's key that may be asked again. */
import { isRefusal, type Refusal } from "../core/refusal.ts";
import type { Target } from "./candidates.ts";
import type { Course } from "./course.ts";
import type { Exchange } from "./exchange.ts";
import { identify } from "./identify.ts";
import type { Gateway } from "./ports.ts";
import { ClientGone } from "./receive.ts";
import { draining } from "./refuse.ts";
import { haltOf } from "./session-rules.ts";

/**
 * Waits until `attempt` gives something, which may be a refusal; null: the deadline came first. The time is
 * added to what the request has waited.
 *
 * @throws ClientGone where the client hung up while it waited.
 */
export async function waitFor<Result extends object>(
  exchange: Exchange,
  attempt: () => Result | Refusal | null,
  of: { readonly atMostMs: number; readonly gateway: Gateway },
): Promise<Result | Refusal | null> {
  const { gateway, atMostMs } = of;
  const { response } = exchange;
  const startedMs = gateway.clock.monotonicMs();
  const beforeMs = exchange.waitedMs;
  let leave = () => {};
  const onClose = () => leave();
  response.once("close", onClose);
  const { result, waitedMs } = await gateway.waiting.wait(
    () => {
      const ended = stillWelcome(exchange, gateway);
      if (ended !== null) return ended;
      // An attempt that succeeds has its wait in its record.
      exchange.waitedMs = beforeMs + gateway.clock.monotonicMs() - startedMs;
      return attempt();
    },
    {
      atMostMs,
      onLeave: (end) => {
        leave = end;
      },
    },
  );
  response.off("close", onClose);
  exchange.waitedMs = beforeMs + waitedMs;
  if (response.destroyed && (result === null || isRefusal(result)))
    throw new ClientGone("the client hung up while it waited for room");
  return result;
}

/**
 * The first target again; where only requests in flight keep its keys from taking one more, waits for
 * them to end.
 *
 * @returns why there is none, or null where waiting took too long.
 * @throws ClientGone where the client hung up while it waited.
 */
export async function whenRoom(
  exchange: Exchange,
  course: Course,
  gateway: Gateway,
): Promise<Target | Refusal | null> {
  const attempt = () => course.first() ?? (course.awaitsRoom() ? null : course.noneUsable());
  // Room can have come since the course was asked last.
  const now = attempt();
  const atMostMs = gateway.budgetWaitMs() - exchange.waitedMs;
  if (now !== null || atMostMs <= 0) return now;
  return waitFor(exchange, attempt, { atMostMs, gateway });
}

/** A waiting request leaves when its key is revoked, its session stopped, or the gateway drains. */
function stillWelcome(exchange: Exchange, gateway: Gateway): Refusal | null {
  if (gateway.draining()) return draining();
  const caller = identify(exchange.request.headers, gateway.ruling(), gateway.ledgerClock.nowMs());
  return isRefusal(caller) ? caller : haltOf(exchange, gateway);
}
