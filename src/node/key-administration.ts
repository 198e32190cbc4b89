/** Makes, changes, rotates and revokes virtual keys: in the journal first, then in force at once. */
import type { VirtualKeyConfig } from "../config/config.ts";
import type { KeyAdministration, KeyProblem, KeyView, KeyWithSecret } from "../control/ports.ts";
import { mergePatch } from "../control/merge-patch.ts";
import { formatTime } from "../core/time.ts";
import { VIRTUAL_KEY, type SecretChange } from "../identity/changes.ts";
import { keyEntries, type Hasher, type KeyEntry } from "../identity/key-ring.ts";
import { newSecret } from "../identity/secret.ts";
import type { AdminChangeRecord } from "../journal/record.ts";
import { addedPath } from "../config/load.ts";
import type { OpenNode } from "./open-node.ts";
import type { Configuration } from "./reload.ts";

export interface KeyAdministrationOptions {
  readonly node: OpenNode;
  readonly configuration: Configuration;
  readonly hasher: Hasher;
  readonly nowMs: () => number;
}

type Fields = Readonly<Record<string, unknown>>;

/** The administration of a node's keys. Every change is an `admin_change` record with its actor. */
export function createKeyAdministration(options: KeyAdministrationOptions): KeyAdministration {
  const views = new KeyViews(options);
  const desk = new Desk(options, views);
  return {
    list: () => views.list(),
    get: (id) => views.get(id),
    create: (fields, actor) => desk.create(fields, actor),
    update: (id, patch, actor) => desk.update(id, patch, actor),
    remove: (id, actor) => desk.remove(id, actor),
    rotate: (id, { overlapSeconds }, actor) => desk.rotate(id, overlapSeconds, actor),
    revoke: (id, actor) => desk.revoke(id, actor),
  };
}

type Change = Pick<AdminChangeRecord, "actor" | "action" | "id" | "before" | "after">;

/** Makes changes, one at a time each: checked, journalled, brought into force. */
class Desk {
  readonly #options: KeyAdministrationOptions;
  readonly #views: KeyViews;

  constructor(options: KeyAdministrationOptions, views: KeyViews) {
    this.#options = options;
    this.#views = views;
  }

  async create(fields: unknown, actor: string): Promise<KeyWithSecret | KeyProblem> {
    if (!isFields(fields)) return invalid("a virtual key is an object with the fields of the file");
    if ("secret" in fields)
      return { ...invalid("the secret is made here; leave it out"), field: "secret" };
    const id = typeof fields["id"] === "string" ? fields["id"] : "";
    if (this.#views.get(id) !== null)
      return { status: 409, message: `virtual key "${id}" exists already; choose another id` };
    const problem = this.#check(id, fields);
    if (problem !== null) return problem;
    const secret = newSecret();
    const after = { fields, ...this.#given(secret) };
    await this.#change({ actor, action: "create", id, before: null, after });
    return this.#withSecret(id, secret);
  }

  async update(id: string, patch: unknown, actor: string): Promise<KeyView | KeyProblem> {
    const owned = this.#ownedFields(id);
    if ("status" in owned) return owned;
    if (!isFields(patch)) return invalid("a merge patch is an object");
    if ("id" in patch && patch["id"] !== id)
      return { ...invalid("an id cannot be changed"), field: "id" };
    if ("secret" in patch)
      return { ...invalid("a secret is changed by rotating the key"), field: "secret" };
    const fields = mergePatch(owned.fields, patch) as Fields;
    const problem = this.#check(id, fields);
    if (problem !== null) return problem;
    const before = { fields: owned.fields };
    await this.#change({ actor, action: "update", id, before, after: { fields } });
    return this.#views.get(id) ?? gone(id);
  }

  async remove(id: string, actor: string): Promise<KeyProblem | null> {
    const owned = this.#ownedFields(id);
    if ("status" in owned) return owned;
    const before = { fields: owned.fields };
    await this.#change({ actor, action: "delete", id, before, after: null });
    return null;
  }

  async rotate(
    id: string,
    overlapSeconds: number,
    actor: string,
  ): Promise<KeyWithSecret | KeyProblem> {
    if (this.#views.get(id) === null) return gone(id);
    const secret = newSecret();
    const untilMs = this.#options.nowMs() + overlapSeconds * 1000;
    // A new secret ends a revocation for itself alone: what was revoked stays void.
    const replaced = this.#views.hashes(id).map((entry) => ({
      key_hash: entry.hash,
      until_ms: entry.revoked ? 0 : Math.min(untilMs, entry.untilMs ?? untilMs),
    }));
    const after = { ...this.#given(secret), replaced };
    await this.#change({ actor, action: "rotate", id, before: null, after });
    return this.#withSecret(id, secret);
  }

  async revoke(id: string, actor: string): Promise<KeyView | KeyProblem> {
    if (this.#views.get(id) === null) return gone(id);
    await this.#change({ actor, action: "revoke", id, before: null, after: null });
    return this.#views.get(id) ?? gone(id);
  }

  #given(secret: string): SecretChange {
    return { key_hash: this.#options.hasher.hash(secret) };
  }

  #withSecret(id: string, secret: string): KeyWithSecret | KeyProblem {
    const key = this.#views.get(id);
    return key === null ? gone(id) : { key, secret };
  }

  #ownedFields(id: string): { readonly fields: Fields } | KeyProblem {
    const fields = this.#made().get(id);
    if (isFields(fields)) return { fields };
    if (this.#views.get(id) === null) return gone(id);
    return {
      status: 409,
      message: `virtual key "${id}" is defined in the configuration file; change it there`,
    };
  }

  #made(): ReadonlyMap<string, unknown> {
    return this.#options.node.state.identities.made();
  }

  #check(id: string, fields: Fields): KeyProblem | null {
    return checkFields(this.#options.configuration, new Map([...this.#made(), [id, fields]]), id);
  }

  async #change(of: Change): Promise<void> {
    const { node, configuration, nowMs } = this.#options;
    const record: AdminChangeRecord = {
      time: formatTime(nowMs()),
      type: "admin_change",
      entity: VIRTUAL_KEY,
      ...of,
    };
    await node.journal.intent(record);
    node.state.identities.apply(record);
    await configuration.reload();
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
    const { identities } = this.#options.node.state;
    return {
      key,
      source: identities.made().has(key.id) ? "api" : "file",
      revokedMs: identities.changesOf(key.id).revokedMs,
      secrets: this.hashes(key.id).filter((entry) => !entry.revoked).length,
    };
  }
}

/** Tries the configuration with these keys; the first fault, told of the key's own field. */
function checkFields(
  configuration: Configuration,
  made: ReadonlyMap<string, unknown>,
  id: string,
): KeyProblem | null {
  const ids = [...made.keys()];
  const loaded = configuration.read([...made.values()]);
  if (loaded.ok) return null;
  const own = loaded.faults.find((fault) => fault.path.startsWith(addedPath(ids.indexOf(id))));
  if (own === undefined)
    return {
      status: 409,
      message: `the configuration file has faults; mend it first: ${loaded.faults[0]?.message ?? ""}`,
    };
  const field = own.path.slice(addedPath(ids.indexOf(id)).length).replace(/^\./, "");
  return { status: 400, message: own.message, ...(field === "" ? {} : { field }) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): KeyProblem {
  return { status: 400, message };
}

function gone(id: string): KeyProblem {
  return { status: 404, message: `there is no virtual key "${id}"` };
}
