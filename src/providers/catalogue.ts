/** All providers that the product knows, by the word that the configuration uses for them. */
import type { ProviderRow } from "./row.ts";
import { anthropic } from "./rows/anthropic.ts";
import { rehearsal } from "./rows/rehearsal.ts";

const ROWS: ReadonlyMap<string, ProviderRow> = new Map(
  [anthropic, rehearsal].map((row: ProviderRow) => [row.kind, row]),
);

/** Every kind, in the order in which `tollgate providers` lists them. */
export function providerKinds(): string[] {
  return [...ROWS.keys()];
}

/** The row of a kind; null where the catalogue has none. */
export function rowOf(kind: string): ProviderRow | null {
  return ROWS.get(kind) ?? null;
}
