/** Holds a request against `access` of its scopes: what it is refused for, and what is waived on paper. */
import type { AccessListName } from "../config/access-config.ts";
import { firstRefusal, type Refusal } from "../core/refusal.ts";
import type { AccessChain, AccessRules } from "../policy/access/chain.ts";
import { type Asked, objectionTo, objectionToValue } from "../policy/access/judge.ts";
import { refusalBy } from "../policy/access/refuse.ts";
import type { Plan } from "../policy/plan.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { hasMember } from "../wire/anthropic/members.ts";
import { candidateOf } from "./candidates.ts";
import { clientAddress } from "./client-address.ts";
import { type Exchange, taskTypeOf } from "./exchange.ts";
import { betasOf } from "./forward.ts";
import type { Gateway } from "./ports.ts";
import type { ReceivedBody } from "./received-body.ts";

/** What rules say of a request. */
export interface AccessRuling {
  /** Null: none of those that are enforced says no. */
  readonly refused: Refusal | null;
  /** What one that is followed on paper alone would have answered. */
  readonly waived: Refusal | null;
}

/** A Messages body on its way. */
interface Messaging {
  readonly exchange: Exchange;
  readonly plan: Plan;
  readonly body: MessagesBody;
  readonly received: ReceivedBody;
}

const NO_OBJECTION: AccessRuling = { refused: null, waived: null };

/**
 * All that rules can object to but the target, which `route` chooses: tools, networks, dialect, task, betas,
 * headers, hours, and models that the body names besides its own. Of a count they ask the network alone.
 */
export function accessRuling(of: Messaging, gateway: Gateway): AccessRuling {
  const { access, virtualKey } = of.plan;
  if (access === null) return NO_OBJECTION;
  const asked =
    of.exchange.endpoint === "count_tokens"
      ? askedBySocket(of.exchange, gateway)
      : askedByMessage(of, gateway);
  return {
    refused: refusalFrom(access.enforced, asked, virtualKey),
    waived: refusalFrom(access.observed, asked, virtualKey),
  };
}

/** The same for calls without a body: the network alone. Null: nothing that is enforced says no. */
export function networkRefusal(exchange: Exchange, plan: Plan, gateway: Gateway): Refusal | null {
  const rules = plan.access?.enforced ?? null;
  return refusalFrom(rules, askedBySocket(exchange, gateway), plan.virtualKey);
}

function refusalFrom(rules: AccessRules | null, asked: Asked, virtualKey: string): Refusal | null {
  const objection = rules === null ? null : objectionTo(rules, asked);
  return objection === null ? null : refusalBy(objection, virtualKey);
}

function askedBySocket(exchange: Exchange, gateway: Gateway): Asked {
  const networks = () => [addressOf(exchange, gateway) ?? "an unknown address"];
  return { values: { networks }, hidden: [], atMs: null };
}

function askedByMessage(of: Messaging, gateway: Gateway): Asked {
  const { exchange, body } = of;
  const { headers } = exchange.request;
  return {
    values: {
      models: () => furtherModels(body),
      server_tools: () => toolTypes(body),
      networks: () => [addressOf(exchange, gateway) ?? "an unknown address"],
      dialects: () => ["anthropic"],
      task_types: () => [taskTypeOf(exchange)],
      betas: () => betasOf(headers),
      headers: () => Object.keys(headers),
    },
    hidden: hiddenIn(of),
    atMs: gateway.ledgerClock.nowMs(),
  };
}

/** Models that the provider may turn to by itself: fallbacks, and the advisor's. */
function furtherModels({ facts }: MessagesBody): readonly string[] {
  const advisors = facts.serverTools.flatMap(({ model }) => model ?? []);
  return facts.fallbacks === "default" ? advisors : [...facts.fallbacks, ...advisors];
}

function toolTypes({ facts: { serverTools, clientTools = [] } }: MessagesBody): readonly string[] {
  return [...serverTools.map(({ type }) => type), ...clientTools];
}

const NOTHING_HIDDEN: readonly AccessListName[] = [];

/** What a body may use unseen. */
function hiddenIn({ plan, body, received }: Messaging): readonly AccessListName[] {
  const { obscured, fallbacks } = body.facts;
  const isBetaBound = hasRules(plan.access, "betas");
  if (!obscured && fallbacks !== "default" && !isBetaBound) return NOTHING_HIDDEN;
  const hidden: AccessListName[] = [];
  // A key that is written with escapes, or twice, hides what it says.
  if (obscured) hidden.push("server_tools");
  if (obscured || fallbacks === "default") hidden.push("models");
  // A cloud takes betas from the body, which the client may have written itself.
  if (isBetaBound && hasMember(body, received.chunks, "anthropic_beta")) hidden.push("betas");
  return hidden;
}

function hasRules(access: AccessChain | null, name: AccessListName): boolean {
  if (access === null) return false;
  const { enforced, observed } = access;
  return (
    (enforced ?? NO_RULES).lists[name] !== undefined ||
    (observed ?? NO_RULES).lists[name] !== undefined
  );
}

const NO_RULES: AccessRules = { lists: {}, hours: [] };

/** The client's address; null where its socket is gone. */
export function addressOf({ request }: Exchange, gateway: Gateway): string | null {
  const forwarded = request.headers["x-forwarded-for"];
  const forwardedFor = Array.isArray(forwarded) ? forwarded.join(",") : forwarded;
  const arrival = { peer: request.socket.remoteAddress, forwardedFor };
  return clientAddress(arrival, gateway.trustedProxies());
}

/** Why rules leave a model no target of the key that could serve it; null where they do, or have no part in it. */
export function targetRefusal(plan: Plan, model: string): Refusal | null {
  const rules = plan.access?.enforced ?? null;
  if (rules === null) return null;
  if (plan.providers.some((use) => use.allows(model) && candidateOf(use, model) !== null))
    return null;
  const toModel = objectionToValue(rules, "models", model);
  if (toModel !== null) return refusalBy(toModel, plan.virtualKey);
  const barred = plan.barred.find(
    ({ use }) => use.allows(model) && candidateOf(use, model) !== null,
  );
  return barred === undefined ? null : refusalBy(barred.objection, plan.virtualKey);
}

/** A provider, and the model to ask it for. */
export interface PaperTarget {
  readonly provider: string;
  readonly model: string;
}

/** What rules that are followed on paper alone would have answered to all of these targets; null: one passes. */
export function paperRefusal(
  { access, virtualKey }: { readonly access: AccessChain | null; readonly virtualKey: string },
  targetsOf: () => readonly PaperTarget[],
): Refusal | null {
  const rules = access?.observed ?? null;
  if (rules === null) return null;
  const { models, providers } = rules.lists;
  if (models === undefined && providers === undefined) return null;
  let first: Refusal | null = null;
  for (const { provider, model } of targetsOf()) {
    const objection =
      objectionToValue(rules, "models", model) ?? objectionToValue(rules, "providers", provider);
    if (objection === null) return null;
    first = firstRefusal(first, refusalBy(objection, virtualKey));
  }
  return first;
}
