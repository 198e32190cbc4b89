/** How a provider serves a model: through which door, under which name, with which of its keys. */
import type { ProviderKeyConfig } from "../config/config.ts";
import { modelMatcher } from "../policy/models.ts";
import type { PlanProvider } from "../policy/plan.ts";
import { rowOf } from "../providers/catalogue.ts";
import type { Door } from "../providers/door.ts";
import { doorOf } from "../providers/doors.ts";
import { doorFor, hasRegionalPremium, upstreamModel } from "../providers/models.ts";
import type { DoorRow, ProviderRow } from "../providers/row.ts";
import type { Quirk } from "../wire/egress.ts";
import { addressOf, type Address } from "./address.ts";

/** One way to serve a request, before one of the provider's keys is chosen. */
export interface Candidate {
  readonly use: PlanProvider;
  readonly row: ProviderRow;
  readonly door: DoorRow;
  readonly codec: Door;
  readonly address: Address;
  /** The provider's regional prices apply. */
  readonly regional: boolean;
  /** As the provider names it. */
  readonly model: string;
  readonly quirks: ReadonlySet<Quirk>;
  /** Keys of the provider that serve this model. */
  readonly keys: readonly ProviderKeyConfig[];
}

export interface Target extends Candidate {
  /** What it was made of. */
  readonly candidate: Candidate;
  /** Null where the provider needs no credential. */
  readonly credential: ProviderKeyConfig | null;
}

/** A candidate's target with its first key, whatever its health. */
export function plainTarget(candidate: Candidate): Target {
  return { ...candidate, candidate, credential: candidate.keys[0] ?? null };
}

/** Clients choose the model's name: what is remembered must not grow with their fantasy. */
const REMEMBERED_MAX = 1_000;
const remembered = new WeakMap<PlanProvider, Map<string, Candidate | null>>();

/** How a provider serves a model that a client, or a rule, names; null where it does not. */
export function candidateOf(use: PlanProvider, model: string): Candidate | null {
  let known = remembered.get(use);
  if (known === undefined) {
    known = new Map<string, Candidate | null>();
    remembered.set(use, known);
  }
  const found = known.get(model);
  if (found !== undefined) return found;
  const candidate = newCandidate(use, model);
  if (known.size < REMEMBERED_MAX) known.set(model, candidate);
  return candidate;
}

function newCandidate(use: PlanProvider, asked: string): Candidate | null {
  const { provider } = use;
  const row = rowOf(provider.kind);
  if (row === null) return null;
  const model = upstreamModel(row, provider.modelMap, asked);
  const door = model === null ? null : doorFor(row, provider.door, model);
  if (model === null || door === null) return null;
  const address = addressOf(row, door, { provider, model });
  if (address === null) return null;
  const keys = provider.keys.filter(
    ({ models }) => models === null || serves(models, asked) || serves(models, model),
  );
  if (keys.length === 0 && !(provider.keys.length === 0 && isKeyless(row))) return null;
  const regional = hasRegionalPremium(row, provider.settings);
  const quirks = new Set([...row.quirks, ...provider.quirks]);
  return { use, row, door, codec: doorOf(door.format), address, regional, model, quirks, keys };
}

function serves(models: readonly string[], model: string): boolean {
  return modelMatcher(models)(model);
}

export function isKeyless(row: ProviderRow): boolean {
  return row.auth.some(({ kind }) => kind === "none");
}
