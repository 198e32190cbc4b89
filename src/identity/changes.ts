/** What API and CLI have done to virtual keys: folded from the journal, so that a start knows it again. */
import type { AdminChangeRecord } from "../journal/record.ts";
import { NO_CHANGES, type KeyChanges, type KeyHash } from "./key-ring.ts";

export const VIRTUAL_KEY = "virtual_key";

/** The part of an `admin_change` that concerns secrets; hashes only. */
export interface SecretChange {
  /** The new secret's hash, in hex. */
  readonly key_hash?: string;
  /** Hashes that it replaces, and until when they still count (Unix milliseconds). */
  readonly replaced?: readonly { readonly key_hash: string; readonly until_ms: number }[];
}

/** State of all keys that were ever changed. */
export class Identities {
  readonly #changes = new Map<string, KeyChanges>();
  /** Keys made through the API: the fields of the file, as the API took them. */
  readonly #made = new Map<string, unknown>();

  changesOf(virtualKey: string): KeyChanges {
    return this.#changes.get(virtualKey) ?? NO_CHANGES;
  }

  /** Keys made through the API, by id: their fields in the form of the file. */
  made(): ReadonlyMap<string, unknown> {
    return this.#made;
  }

  /** Applies one record; those about other entities change nothing here. */
  apply(record: AdminChangeRecord): void {
    if (record.entity !== VIRTUAL_KEY) return;
    const after = record.after as { fields?: unknown } & SecretChange;
    switch (record.action) {
      case "create":
        this.#made.set(record.id, after.fields);
        this.#changes.set(record.id, NO_CHANGES);
        return this.#give(record.id, after);
      case "update":
        this.#made.set(record.id, after.fields);
        return;
      case "delete":
        this.#made.delete(record.id);
        this.#changes.delete(record.id);
        return;
      case "rotate":
        return this.#give(record.id, after);
      case "revoke":
        this.#changes.set(record.id, {
          ...this.changesOf(record.id),
          revokedMs: Date.parse(record.time),
        });
        return;
      case "stop":
        return;
    }
  }

  #give(id: string, change: SecretChange): void {
    const before = this.changesOf(id);
    const replaced: KeyHash[] = (change.replaced ?? []).map((old) => ({
      hash: old.key_hash,
      untilMs: old.until_ms,
    }));
    const given = change.key_hash === undefined ? [] : [{ hash: change.key_hash, untilMs: null }];
    const names = new Set(replaced.map(({ hash }) => hash));
    this.#changes.set(id, {
      given: [...before.given.filter(({ hash }) => !names.has(hash)), ...given],
      replaced: [...before.replaced.filter(({ hash }) => !names.has(hash)), ...replaced],
      // A new secret ends a revocation: it is how a revoked key comes back.
      revokedMs: null,
    });
  }

  snapshot(): unknown {
    return { changes: [...this.#changes], made: [...this.#made] };
  }

  static restore(saved: unknown): Identities {
    const identities = new Identities();
    const { changes, made } = saved as {
      changes: [string, KeyChanges][];
      made: [string, unknown][];
    };
    for (const [id, change] of changes) identities.#changes.set(id, change);
    for (const [id, fields] of made) identities.#made.set(id, fields);
    return identities;
  }
}
