/** What API and CLI have done to virtual keys: folded from the journal, so that a start knows it again. */
import type { AdminChangeRecord } from "../journal/record.ts";
import type { EntityKind } from "./made.ts";
import { NO_CHANGES, type KeyChanges, type KeyHash } from "./key-ring.ts";

const VIRTUAL_KEY = "virtual_key" satisfies EntityKind;

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

  changesOf(virtualKey: string): KeyChanges {
    return this.#changes.get(virtualKey) ?? NO_CHANGES;
  }

  /** Applies one record; those about other entities change nothing here. */
  apply(record: AdminChangeRecord): void {
    if (record.entity !== VIRTUAL_KEY) return;
    const after = record.after as SecretChange;
    switch (record.action) {
      case "create":
        this.#changes.set(record.id, NO_CHANGES);
        return this.#give(record.id, after);
      case "delete":
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
      case "update":
      case "stop":
      case "pause":
      case "resume":
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
    return [...this.#changes];
  }

  static restore(saved: unknown): Identities {
    const identities = new Identities();
    for (const [id, change] of saved as [string, KeyChanges][]) identities.#changes.set(id, change);
    return identities;
  }
}
