/** Entities made through API and CLI: folded from the journal, so that a start knows them again. */
import type { AdminChangeRecord } from "../journal/record.ts";

/** As records name them. */
const ENTITY_KINDS = ["customer", "team", "owner", "provider", "virtual_key"] as const;
export type EntityKind = (typeof ENTITY_KINDS)[number];

type Entities = ReadonlyMap<string, unknown>;

/** The fields of each, in the form of the configuration file, as the API took them. */
export class MadeEntities {
  readonly #made = new Map<string, Map<string, unknown>>(
    ENTITY_KINDS.map((kind) => [kind, new Map()]),
  );

  /** All entities of a kind, by id, in the order in which they were made. */
  of(kind: EntityKind): Entities {
    return this.#made.get(kind) ?? new Map<string, unknown>();
  }

  /** Applies one record; those about anything else change nothing here. */
  apply({ entity, action, id, after }: AdminChangeRecord): void {
    const entities = this.#made.get(entity);
    if (entities === undefined) return;
    if (action === "delete") entities.delete(id);
    if (action === "create" || action === "update") {
      entities.set(id, (after as { readonly fields: unknown }).fields);
    }
  }

  snapshot(): unknown {
    return [...this.#made].map(([kind, entities]) => [kind, [...entities]]);
  }

  /** What `snapshot` gave, after a way through JSON. */
  static restore(saved: unknown): MadeEntities {
    const made = new MadeEntities();
    for (const [kind, entities] of saved as [string, [string, unknown][]][]) {
      for (const [id, fields] of entities) made.#made.get(kind)?.set(id, fields);
    }
    return made;
  }
}
