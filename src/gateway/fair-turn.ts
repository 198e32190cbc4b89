/** Lets a request wait its turn for room at the providers that could serve it. */
import { isRefusal, type Refusal } from "../core/refusal.ts";
import type { Attempting } from "./attempt.ts";
import type { Target } from "./candidates.ts";
import type { Course } from "./course.ts";
import { taskTypeOf } from "./exchange.ts";
import { fairCost, flowPathOf } from "./fair-flow.ts";
import type { Place, Turn, Waited } from "./fair-waiting.ts";
import type { Gateway } from "./ports.ts";
import { ClientGone } from "./receive.ts";
import { recordAbandoned } from "./record.ts";
import { crowded } from "./refuse.ts";
import { stillWelcome } from "./wait-for.ts";

/**
 * A target with room, waited for in fair order where others wait for it or it is short.
 *
 * @returns why there is none: nobody can serve in time, the queue is full, or waiting took too long.
 * @throws ClientGone where the client hung up while it waited.
 */
export async function whenTurn(
  attempting: Attempting,
  course: Course,
  gateway: Gateway,
): Promise<Target | Refusal> {
  const { exchange } = attempting;
  const now = course.first();
  if (now !== null) return now;
  const places = course.places();
  if (places.length === 0 || course.leftMs() <= 0) return course.noneUsable();
  const startedMs = gateway.clock.monotonicMs();
  const waited = await waitAt(places, { attempting, course, gateway });
  exchange.waitedMs += gateway.clock.monotonicMs() - startedMs;
  switch (waited.kind) {
    case "served":
      if (isRefusal(waited.result)) leaveIfGone(attempting, gateway);
      return waited.result;
    case "left":
      throw gone(attempting, gateway);
    case "late":
    case "full":
      return crowded(places[0]?.provider ?? "", waited);
  }
}

async function waitAt(
  places: readonly Place[],
  of: { readonly attempting: Attempting; readonly course: Course; readonly gateway: Gateway },
): Promise<Waited<Target | Refusal>> {
  const { attempting, course, gateway } = of;
  const { exchange, plan, body } = attempting;
  const { response } = exchange;
  leaveIfGone(attempting, gateway);
  let leave = () => {};
  const onClose = () => leave();
  response.once("close", onClose);
  const turn: Turn<Target | Refusal> = {
    path: flowPathOf(plan, taskTypeOf(exchange)),
    ...course.waitsSince(() => fairCost(body, course.candidates)),
    atMostMs: course.leftMs(),
    places,
    tryAt: (provider, taken) => course.atTurn(provider, taken),
    ended: () => stillWelcome(exchange, gateway) ?? course.endsInVain(),
    roomInMs: (provider) => course.roomInMs(provider),
    onLeave: (end) => {
      leave = end;
    },
  };
  const waited = await gateway.fair.wait(turn);
  response.off("close", onClose);
  return waited;
}

function leaveIfGone(attempting: Attempting, gateway: Gateway): void {
  if (attempting.exchange.response.destroyed) throw gone(attempting, gateway);
}

function gone({ exchange }: Attempting, gateway: Gateway): ClientGone {
  if (exchange.attempts > 0) recordAbandoned(exchange, gateway);
  return new ClientGone("the client hung up while it waited for room");
}
