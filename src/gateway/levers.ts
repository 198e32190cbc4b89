/** Puts levers on a request before it is routed: what follows sees what is left of it, and nothing else. */
import type { LeverChange } from "../journal/record.ts";
import { refusal, type Refusal } from "../core/refusal.ts";
import { invariant } from "../core/invariant.ts";
import type { Plan } from "../policy/plan.ts";
import { joinLevers, type Levers } from "../policy/levers/levers.ts";
import { disallowed, rewritingOf, type Asked, type Disallowed } from "./lever-rewrite.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { scanMessagesBody } from "../wire/anthropic/scan.ts";
import { spliceBody, type Edit } from "../wire/anthropic/splice.ts";
import { MAX_USES_DEFAULT } from "./demand.ts";
import type { Exchange } from "./exchange.ts";
import { BETA, betasOf } from "./forward.ts";
import { isAllObserved } from "./observed.ts";
import type { Gateway } from "./ports.ts";
import { ReceivedBody } from "./received-body.ts";
import { routeFacts } from "./route-facts.ts";

export interface Levering {
  readonly exchange: Exchange;
  readonly plan: Plan;
  readonly body: MessagesBody;
  readonly received: ReceivedBody;
}

export interface Levered {
  readonly body: MessagesBody;
  /** Of this body; another than before where something was changed. */
  readonly received: ReceivedBody;
  /** What the levers answer. */
  readonly refused: Refusal | null;
  /** What those on paper would answer. */
  readonly waived: Refusal | null;
}

/** The request as the levers of its scopes and rules leave it. Costs nothing where there are none. */
export function applyLevers(of: Levering, gateway: Gateway): Levered {
  const { exchange, plan } = of;
  const isSilent = plan.levers === null && plan.paperLevers === null;
  if (isSilent && exchange.ruling.leverRules.isEmpty) return asItCame(of);
  // Read before anything is rewritten.
  const paper = plan.paperLevers === null || isAllObserved(exchange) ? null : onPaperAlone(of);
  const levers = leversInForce(of, gateway);
  const levered = levers === null ? asItCame(of) : withLevers(of, levers);
  if (paper === null) return levered;
  note(exchange, [...exchange.levers, ...paper.changes.filter(isNewTo(exchange.levers))]);
  return { ...levered, waived: paper.refused };
}

/** Levers that name another model, and so perhaps another provider. */
const MODEL_LEVERS: ReadonlySet<string> = new Set(["models", "background_model", "subagent_model"]);

function note(exchange: Exchange, changes: readonly LeverChange[]): void {
  exchange.levers = changes;
  for (const { lever, by, observed } of changes) {
    const what = MODEL_LEVERS.has(lever) ? "rerouted" : "changed";
    if (observed === true) exchange.shadowChanges.push({ what, by });
  }
}

/** What levers of scopes in shadow would do besides those in force. */
function onPaperAlone(of: Levering): {
  readonly changes: readonly LeverChange[];
  readonly refused: Refusal | null;
} {
  const { paperLevers } = of.plan;
  if (paperLevers === null) return { changes: [], refused: null };
  const asked = askedOf(of);
  const { changes } = rewritingOf(paperLevers, asked);
  return {
    changes: changes.map(onPaper),
    refused: notAllowed(disallowed(paperLevers, asked), of.plan),
  };
}

function isNewTo(made: readonly LeverChange[]): (change: LeverChange) => boolean {
  return ({ lever, to }) => !made.some((other) => other.lever === lever && other.to === to);
}

function asItCame({ body, received }: Levering): Levered {
  return { body, received, refused: null, waived: null };
}

function leversInForce(of: Levering, gateway: Gateway): Levers | null {
  const { exchange, plan } = of;
  const joined = joinedLevers(of, gateway);
  const ttl = joined?.cacheTtl ?? null;
  const isPassing = exchange.endpoint === "count_tokens" || isAllObserved(exchange);
  // Rules may hold for a later request of a session that began without them.
  if (isPassing || (ttl === null && exchange.ruling.leverRules.isEmpty)) return joined;
  const { session = null, agent = null } = exchange.subject ?? {};
  const begun = gateway.sessionTtls.decide({ virtualKey: plan.virtualKey, session, agent }, ttl);
  return joined === null || begun === ttl ? joined : { ...joined, cacheTtl: begun };
}

function joinedLevers(of: Levering, gateway: Gateway): Levers | null {
  const { leverRules } = of.exchange.ruling;
  const { plan } = of;
  const levers = isAllObserved(of.exchange) ? (plan.paperLevers ?? plan.levers) : plan.levers;
  if (leverRules.isEmpty) return levers;
  const facts = routeFacts({ ...of, model: of.body.model ?? "" }, gateway);
  const byRules = leverRules.leversFor(facts);
  return levers === null || byRules === null ? (levers ?? byRules) : joinLevers(levers, byRules);
}

function withLevers(of: Levering, levers: Levers): Levered {
  const { exchange, plan } = of;
  const asked = askedOf(of);
  const refused = notAllowed(disallowed(levers, asked), plan);
  const rewriting = rewritingOf(levers, asked);
  const { changes } = rewriting;
  if (isAllObserved(exchange)) {
    if (changes.length > 0) note(exchange, changes.map(onPaper));
    return { ...asItCame(of), waived: refused };
  }
  if (refused !== null) return { ...asItCame(of), refused };
  if (changes.length > 0) exchange.levers = changes;
  setBetas(exchange, rewriting.betas);
  if (rewriting.edits.length === 0) return asItCame(of);
  const after = spliced(of, rewriting.edits);
  const left = disallowed(levers, { ...asked, body: after.body, betas: NO_BETAS });
  return { ...after, refused: notAllowed(left, plan), waived: null };
}

const NO_BETAS: readonly string[] = [];

function askedOf({ exchange, body, received }: Levering): Asked {
  const { subject, request, endpoint } = exchange;
  return {
    body,
    chunks: received.chunks,
    betas: betasOf(request.headers),
    taskType: subject?.taskType ?? "other",
    isAgent: subject !== null && subject.agent !== null,
    isCount: endpoint === "count_tokens",
    maxUsesDefault: MAX_USES_DEFAULT,
  };
}

function setBetas({ request }: Exchange, betas: readonly string[] | null): void {
  if (betas === null) return;
  if (betas.length === 0) Reflect.deleteProperty(request.headers, BETA);
  else request.headers[BETA] = betas.join(",");
}

function spliced(
  { body, received }: Levering,
  edits: readonly Edit[],
): Pick<Levered, "body" | "received"> {
  const chunks = spliceBody(received.chunks, edits);
  received.drop();
  const scanned = scanMessagesBody(chunks, { sessionId: body.sessionId !== null });
  invariant(scanned.ok, "a body stays well-formed under its edits");
  return { body: scanned.body, received: new ReceivedBody(chunks) };
}

function onPaper(change: LeverChange): LeverChange {
  return { ...change, observed: true };
}

const SENTENCES = {
  long_context: ["The 1M context", "choose a model without [1m] with /model"],
  fast_mode: ["Fast mode", "switch it off with /fast"],
} as const satisfies Record<Disallowed["what"], readonly [string, string]>;

function notAllowed(disallows: Disallowed | null, { virtualKey }: Plan): Refusal | null {
  if (disallows === null) return null;
  const { what, by } = disallows;
  const [name, remedy] = SENTENCES[what];
  const sentence =
    `${name} is not allowed for key ${virtualKey} (by ${by}); ${remedy}, ` +
    "or ask your platform team to allow it.";
  return { ...refusal("request_not_allowed", sentence), by };
}

/** Visible ASCII without what separates the entries: some of the words are the client's. */
const UNSAFE = /[^\x21-\x2b\x2d-\x3c\x3f-\x7e]/g;
const VALUE_CHARACTERS_MAX = 64;
const ENTRIES_MAX = 16;

/** "max_tokens=128000>32000,effort_max=high>medium"; null where nothing was changed. */
export function leversHeader(changes: readonly LeverChange[]): string | null {
  const applied = changes.filter(({ observed }) => observed !== true).slice(0, ENTRIES_MAX);
  if (applied.length === 0) return null;
  return applied.map(({ lever, from, to }) => `${lever}=${shown(from)}>${shown(to)}`).join(",");
}

function shown(value: LeverChange["from"]): string {
  return value === null
    ? "none"
    : String(value).replace(UNSAFE, "?").slice(0, VALUE_CHARACTERS_MAX);
}
