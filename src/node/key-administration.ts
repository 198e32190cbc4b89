/** Makes, changes, rotates and revokes virtual keys: in the journal first, then in force at once. */
import type { VirtualKeyConfig } from "../config/config.ts";
import type { KeyAdministration, KeyProblem, KeyView, KeyWithSecret } from "../control/ports.ts";
import { formatTime } from "../core/time.ts";
import { VIRTUAL_KEY, type SecretChange } from "../identity/changes.ts";
import { keyEntries, type Hasher } from "../identity/key-ring.ts";
import { newSecret } from "../identity/secret.ts";
import { JournalUnavailable } from "../journal/journal.ts";
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
  const { node, configuration, nowMs } = options;
  const identities = () => node.state.identities;
  const views = new KeyViews(options);

  return {
    list: () => views.list(),
    get: (id) => views.get(id),
    async create(fields, actor) {
      if (!isFields(fields)) return invalid("a virtual key is an object with the fields of the file");
      if ("secret" in fields)
        return { ...invalid("the secret is made here; leave it out"), field: "secret" };
      const id = typeof fields["id"] === "string" ? fields["id"] : "";
      if (views.get(id) !== null)
        return { status: 409, message: `virtual key "${id}" exists already; choose another id` };
      const problem = checkFields(configuration, new Map([...identities().made(), [id, fields]]), id);
      if (problem !== null) return problem;
      const secret = newSecret();
      await change({ actor, action: "create", id, before: null, after: { fields, ...given(secret) } });
      return withSecret(id, secret);
    },
    async update(id, patch, actor) {
      const owned = ownedFields(id);
      if ("status" in owned) return owned;
      if (!isFields(patch)) return invalid("a merge patch is an object");
      if ("id" in patch && patch["id"] !== id)
        return { ...invalid("an id cannot be changed"), field: "id" };
      if ("secret" in patch)
        return { ...invalid("a secret is changed by rotating the key"), field: "secret" };
      const fields = mergePatch(owned.fields, patch) as Fields;
      const problem = checkFields(configuration, new Map([...identities().made(), [id, fields]]), id);
      if (problem !== null) return problem;
      await change({ actor, action: "update", id, before: { fields: owned.fields }, after: { fields } });
      return views.get(id) ?? gone(id);
    },
    async remove(id, actor) {
      const owned = ownedFields(id);
      if ("status" in owned) return owned;
      await change({ actor, action: "delete", id, before: { fields: owned.fields }, after: null });
      return null;
    },
    async rotate(id, { overlapSeconds }, actor) {
      if (views.get(id) === null) return gone(id);
      const secret = newSecret();
      const untilMs = nowMs() + overlapSeconds * 1000;
      const replaced = views
        .entries(id)
        .filter((entry) => !entry.revoked && (entry.untilMs === null || entry.untilMs > nowMs()))
        .map((entry) => ({ key_hash: entry.hash, until_ms: Math.min(untilMs, entry.untilMs ?? untilMs) }));
      await change({ actor, action: "rotate", id, before: null, after: { ...given(secret), replaced } });
      return withSecret(id, secret);
    },
    async revoke(id, actor) {
      if (views.get(id) === null) return gone(id);
      await change({ actor, action: "revoke", id, before: null, after: null });
      return views.get(id) ?? gone(id);
    },
  };

  function given(secret: string): SecretChange {
    return { key_hash: options.hasher.hash(secret) };
  }

  function withSecret(id: string, secret: string): KeyWithSecret | KeyProblem {
    const key = views.get(id);
    return key === null ? gone(id) : { key, secret };
  }

  function ownedFields(id: string): { readonly fields: Fields } | KeyProblem {
    const fields = identities().made().get(id);
    if (isFields(fields)) return { fields };
    if (views.get(id) === null) return gone(id);
    return {
      status: 409,
      message: `virtual key "${id}" is defined in the configuration file; change it there`,
    };
  }

  async function change(of: Pick<AdminChangeRecord, "actor" | "action" | "id" | "before" | "after">) {
    const record: AdminChangeRecord = {
      time: formatTime(nowMs()),
      type: "admin_change",
      entity: VIRTUAL_KEY,
      ...of,
    };
    try {
      await node.journal.intent(record);
    } catch (error) {
      if (error instanceof JournalUnavailable) throw new Error("nothing can be recorded now", { cause: error });
      throw error;
    }
    identities().apply(record);
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

  /** Every hash that was ever good for the key and is not forgotten. */
  entries(id: string) {
    const key = this.#find(id);
    if (key === undefined) return [];
    const { hasher, node } = this.#options;
    const fileHash = key.secret === null ? null : hasher.hash(key.secret);
    return keyEntries({ id: key.id, fileHash, changes: node.state.identities.changesOf(key.id) });
  }

  #find(id: string): VirtualKeyConfig | undefined {
    return this.#options.configuration.inForce.config.virtualKeys.find((key) => key.id === id);
  }

  #viewOf(configured: VirtualKeyConfig): KeyView {
    const { secret: _, ...key } = configured;
    const { node, nowMs } = this.#options;
    const { identities } = node.state;
    const now = nowMs();
    const open = this.entries(key.id).filter(
      (entry) => !entry.revoked && (entry.untilMs === null || entry.untilMs > now),
    );
    return {
      key,
      source: identities.made().has(key.id) ? "api" : "file",
      revokedMs: identities.changesOf(key.id).revokedMs,
      secrets: open.length,
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
  const own = loaded.faults.find((fault) => fault.path.startsWith(`${addedPath(ids.indexOf(id))}`));
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

/** RFC 7396: null removes a member, objects are merged, all else replaces. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const merged: Record<string, unknown> = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

function invalid(message: string): KeyProblem {
  return { status: 400, message };
}

function gone(id: string): KeyProblem {
  return { status: 404, message: `there is no virtual key "${id}"` };
}
