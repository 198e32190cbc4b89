/** Virtual keys: what all entities have, and their secrets, which are made, rotated and revoked here. */
import type { VirtualKeyConfig } from "../config/config.ts";
import type {
  Asker,
  ChangeProblem,
  KeyAdministration,
  KeyView,
  KeyWithSecret,
} from "../control/ports.ts";
import type { SecretChange } from "../identity/changes.ts";
import { keyEntries, type Hasher, type KeyEntry } from "../identity/key-ring.ts";
import { newSecret } from "../identity/secret.ts";
import { EntityDesk, problemOf, type DeskOptions } from "./entity-desk.ts";

export interface KeyAdministrationOptions extends DeskOptions {
  readonly hasher: Hasher;
}

const KIND = "virtual_key";

/** The administration of a node's keys. Every change is an `admin_change` record with its actor. */
export function createKeyAdministration(options: KeyAdministrationOptions): KeyAdministration {
  const views = new KeyViews(options);
  const keys = new Keys(options, views);
  return {
    list: () => views.list(),
    get: (id) => views.get(id),
    create: (fields, by) => keys.create(fields, by),
    createAll: (list, by) => keys.createAll(list, by),
    update: (id, patch, actor) => keys.update(id, patch, actor),
    remove: (id, actor) => keys.desk.remove(KIND, id, actor),
    rotate: (id, { overlapSeconds }, by) => keys.rotate(id, overlapSeconds, by),
    revoke: (id, by) => keys.revoke(id, by),
  };
}

class Keys {
  readonly desk: EntityDesk;
  readonly #options: KeyAdministrationOptions;
  readonly #views: KeyViews;

  constructor(options: KeyAdministrationOptions, views: KeyViews) {
    this.desk = new EntityDesk(options);
    this.#options = options;
    this.#views = views;
  }

  async create(fields: unknown, by: Asker): Promise<KeyWithSecret | ChangeProblem> {
    const done = await this.createAll([fields], by);
    const [key] = "made" in done ? done.made : [];
    if (key !== undefined) return key;
    const [problem] = "problems" in done ? done.problems : [];
    return problem === undefined ? gone("") : problemOf(problem);
  }

  async createAll(list: readonly unknown[], by: Asker): ReturnType<KeyAdministration["createAll"]> {
    const problems = list.flatMap((fields, index) =>
      hasSecret(fields) ? [{ index, ...SECRET_GIVEN }] : [],
    );
    if (problems.length > 0) return { problems };
    const made = list.map((fields) => ({ fields, secret: newSecret() }));
    const entities = made.map(({ fields, secret }) => ({ fields, secret: this.#given(secret) }));
    const refused = await this.desk.create(KIND, entities, by);
    if (refused.length > 0) return { problems: refused };
    const views = new Map(this.#views.list().map((view) => [String(view.key.id), view]));
    return {
      made: made.flatMap(({ fields, secret }) => {
        const key = views.get((fields as { readonly id: string }).id);
        return key === undefined ? [] : [{ key, secret }];
      }),
    };
  }

  async update(id: string, patch: unknown, actor: string): Promise<KeyView | ChangeProblem> {
    if (hasSecret(patch))
      return { ...SECRET_GIVEN, message: "a secret is changed by rotating the key" };
    const problem = await this.desk.update(KIND, { id, patch }, actor);
    return problem ?? this.#views.get(id) ?? gone(id);
  }

  async rotate(
    id: string,
    overlapSeconds: number,
    by: Asker,
  ): Promise<KeyWithSecret | ChangeProblem> {
    if (this.#views.get(id) === null) return gone(id);
    const secret = newSecret();
    const untilMs = this.#options.nowMs() + overlapSeconds * 1000;
    // A new secret ends a revocation for itself alone: what was revoked stays void.
    const replaced = this.#views.hashes(id).map((entry) => ({
      key_hash: entry.hash,
      until_ms: entry.revoked ? 0 : Math.min(untilMs, entry.untilMs ?? untilMs),
    }));
    const after = { ...this.#given(secret), replaced };
    await this.desk.record([{ ...by, action: "rotate", entity: KIND, id, before: null, after }]);
    const key = this.#views.get(id);
    return key === null ? gone(id) : { key, secret };
  }

  async revoke(id: string, by: Asker): Promise<KeyView | ChangeProblem> {
    if (this.#views.get(id) === null) return gone(id);
    const change = { before: null, after: null };
    await this.desk.record([{ ...by, action: "revoke", entity: KIND, id, ...change }]);
    return this.#views.get(id) ?? gone(id);
  }

  #given(secret: string): SecretChange {
    return { key_hash: this.#options.hasher.hash(secret) };
  }
}

/** Keys as they are now, from the configuration in force and what was done to them since. */
class KeyViews {
  readonly #options: KeyAdministrationOptions;

  constructor(options: KeyAdministrationOptions) {
    this.#options = options;
  }

  list(): KeyView[] {
    return this.#options.configuration.inForce.config.virtualKeys.map((key) => this.#viewOf(key));
  }

  get(id: string): KeyView | null {
    const key = this.#find(id);
    return key === undefined ? null : this.#viewOf(key);
  }

  /** The hashes of the secrets that have not ended, revoked ones included. */
  hashes(id: string): KeyEntry[] {
    const key = this.#find(id);
    if (key === undefined) return [];
    const { hasher, node, nowMs } = this.#options;
    const fileHash = key.secret === null ? null : hasher.hash(key.secret);
    const changes = node.state.identities.changesOf(key.id);
    const now = nowMs();
    return keyEntries({ id: key.id, fileHash, changes }).filter(
      (entry) => entry.untilMs === null || entry.untilMs > now,
    );
  }

  #find(id: string): VirtualKeyConfig | undefined {
    return this.#options.configuration.inForce.config.virtualKeys.find((key) => key.id === id);
  }

  #viewOf(configured: VirtualKeyConfig): KeyView {
    const { secret: _, ...key } = configured;
    const { identities, made } = this.#options.node.state;
    return {
      key,
      source: made.of(KIND).has(key.id) ? "api" : "file",
      revokedMs: identities.changesOf(key.id).revokedMs,
      secrets: this.hashes(key.id).filter((entry) => !entry.revoked).length,
    };
  }
}

const SECRET_GIVEN = {
  status: 400,
  message: "the secret is made here; leave it out",
  field: "secret",
} as const;

function hasSecret(fields: unknown): boolean {
  return typeof fields === "object" && fields !== null && "secret" in fields;
}

function gone(id: string): ChangeProblem {
  return { status: 404, message: `there is no virtual key "${id}"` };
}
