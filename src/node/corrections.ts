/** Replaces an estimated charge by a stated one: in the journal, the budgets' open windows, the views. */
import { nanoUsd, parseUsd } from "../core/money.ts";
import { formatTime } from "../core/time.ts";
import type { Asker, ChangeProblem, ControlPorts, CorrectionOrder } from "../control/ports.ts";
import type { RequestId } from "../core/ids.ts";
import { invariant } from "../core/invariant.ts";
import type { CorrectionRecord } from "../journal/record.ts";
import { sessionWindowName } from "../policy/sessions.ts";
import type { AttemptRow, RequestDetail } from "../views/rows.ts";
import type { DeskOptions } from "./entity-desk.ts";
import type { OpenNode } from "./open-node.ts";
import { windowsInScope } from "./openings.ts";
import { applyToState } from "./state.ts";

/** The port through which charges are corrected. The caller makes one correction at a time. */
export function createCorrections(options: DeskOptions): ControlPorts["correct"] {
  const { configuration } = options;
  // Balances of added budgets are looked up while a configuration changes: nothing may slip between.
  return (order, by) => configuration.inTurn(() => correct(order, by, options));
}

async function correct(
  order: CorrectionOrder,
  by: Asker,
  { node, nowMs }: DeskOptions,
): Promise<ChangeProblem | null> {
  await node.views.sync(node.journal.writtenSeq());
  const request = await node.views.request(order.request);
  if (request === null)
    return { status: 404, message: `no ended request has the id ${order.request}` };
  const attempt = chosenAttempt(request, order.attempt);
  if ("status" in attempt) return attempt;
  const before = parseUsd(attempt.cost_usd);
  invariant(before !== null, "a cost of the views can be read");
  const record: CorrectionRecord = {
    time: formatTime(nowMs()),
    type: "correction",
    request: request.id as RequestId,
    attempt: attempt.attempt,
    cost: String(order.cost),
    delta: String(nanoUsd(order.cost - before)),
    ...(attempt.refusal === null ? {} : { shadow_delta: "0" }),
    admitted: attempt.time,
    windows: windowsOf(request, attempt, node),
    reason: order.reason,
    ...by,
    ...spenderOf(request, attempt),
  };
  await node.journal.intent(record);
  applyToState(node.state, record);
  return null;
}

/** Whose session it was, for the book of sessions; the client's own id where it counted to that one. */
function spenderOf(
  { virtual_key, session, agent }: RequestDetail,
  attempt: AttemptRow,
): Pick<CorrectionRecord, "spender"> {
  if (virtual_key === null) return {};
  const name = sessionWindowName(session, Date.parse(attempt.time));
  return { spender: { virtual_key, session: name, agent } };
}

/** A budget that was added since has taken the estimate over in its opening balance. */
function windowsOf(request: RequestDetail, attempt: AttemptRow, node: OpenNode): string[] {
  const meters = [...node.state.fold.ledger.meters()].filter(({ unit }) => unit === "usd");
  const { customer, team, owner, virtual_key, session } = request;
  const { provider } = attempt;
  const spender = { customer, team, owner, virtual_key, session, provider };
  const since = windowsInScope(meters, spender, Date.parse(attempt.time)).map(({ key }) => key);
  return [...new Set([...attempt.windows, ...since])];
}

function chosenAttempt(request: RequestDetail, wanted: number | null): AttemptRow | ChangeProblem {
  const estimated = request.attempts.filter((each) => each.estimated);
  if (wanted !== null) {
    const named = request.attempts.find((each) => each.attempt === wanted);
    if (named === undefined) {
      const message = `request ${request.id} has no attempt ${wanted}: it has ${request.attempts.length}`;
      return { status: 400, message, field: "attempt" };
    }
    return named.estimated ? named : notEstimated(request.id);
  }
  const [first, ...others] = estimated;
  if (first === undefined) return notEstimated(request.id);
  if (others.length === 0) return first;
  const numbers = estimated.map((each) => each.attempt).join(", ");
  const message = `request ${request.id} has several estimated attempts: say which of ${numbers} as attempt`;
  return { status: 400, message, field: "attempt" };
}

function notEstimated(id: string): ChangeProblem {
  const message = `request ${id} was not charged by estimate, or is corrected already: only an estimate can be corrected`;
  return { status: 409, message };
}
