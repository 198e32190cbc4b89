/** Makes, changes and removes entities of every kind: checked, in the journal, then in force at once. */
import { readAddedPath, type EntitySection } from "../config/added.ts";
import type { Config } from "../config/config.ts";
import type { Fault } from "../config/fault.ts";
import { mergePatch } from "../control/merge-patch.ts";
import type { Asker, ChangeProblem, ListProblems } from "../control/ports.ts";
import { formatTime } from "../core/time.ts";
import type { SecretChange } from "../identity/changes.ts";
import type { EntityKind } from "../identity/made.ts";
import type { AdminChangeRecord } from "../journal/record.ts";
import { dependentsOf } from "./dependents.ts";
import type { OpenNode } from "./open-node.ts";
import { madeEntities, type Configuration } from "./reload.ts";
import { applyToState } from "./state.ts";

export interface DeskOptions {
  readonly node: OpenNode;
  readonly configuration: Configuration;
  readonly nowMs: () => number;
}

type Fields = Readonly<Record<string, unknown>>;

/** An entity to be made; `secret` is of a virtual key. */
export interface NewEntity {
  readonly fields: unknown;
  readonly secret?: SecretChange;
}

/** A change of an entity, as it is journalled. */
export type Change = Pick<
  AdminChangeRecord,
  "actor" | "action" | "entity" | "id" | "before" | "after" | "idempotency"
>;

interface Named {
  readonly noun: string;
  readonly section: EntitySection;
  readonly list: (config: Config) => readonly { readonly id: string }[];
}

const KINDS: Readonly<Record<EntityKind, Named>> = {
  customer: { noun: "customer", section: "customers", list: ({ customers }) => customers },
  team: { noun: "team", section: "teams", list: ({ teams }) => teams },
  owner: { noun: "owner", section: "owners", list: ({ owners }) => owners },
  provider: { noun: "provider", section: "providers", list: ({ providers }) => providers },
  virtual_key: {
    noun: "virtual key",
    section: "virtual_keys",
    list: ({ virtualKeys }) => virtualKeys,
  },
};

export class EntityDesk {
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** The fields of an entity that was made through the API; null: the file's, or none. */
  fieldsOf(kind: EntityKind, id: string): Fields | null {
    const fields = this.#options.node.state.made.of(kind).get(id);
    return isFields(fields) ? fields : null;
  }

  /** Makes all of them or, where any has a problem, none. @returns the problems. */
  async create(kind: EntityKind, list: readonly NewEntity[], by: Asker): Promise<ListProblems> {
    const { noun } = KINDS[kind];
    const known = this.#idsOf(kind);
    const problems: (ChangeProblem & { readonly index: number })[] = [];
    const fields: Fields[] = [];
    for (const [index, entity] of list.entries()) {
      const id = idOf(entity.fields);
      if (!isFields(entity.fields)) {
        const message = `a ${noun} is an object with the fields of the file`;
        problems.push({ index, status: 400, message });
      } else if (known.has(id)) {
        const message = `${noun} "${id}" exists already; choose another id`;
        problems.push({ index, status: 409, message, field: "id" });
      } else fields.push(entity.fields);
      known.add(id);
    }
    if (problems.length > 0) return problems;
    const made = madeEntities(this.#options.node.state)[KINDS[kind].section];
    const faults = this.#tryWith(kind, [...made, ...fields], made.length);
    if (faults.length > 0) return faults;
    const changes = list.map((entity, index): Change => {
      const after = { fields: entity.fields, ...entity.secret };
      return {
        ...partOf(by, { number: index + 1, of: list.length }),
        action: "create",
        entity: kind,
        id: idOf(entity.fields),
        before: null,
        after,
      };
    });
    const problem = await this.record(changes);
    return problem === null ? [] : [{ index: 0, ...problem }];
  }

  /** `patch` is a merge patch of the fields of the file. */
  async update(
    kind: EntityKind,
    of: { readonly id: string; readonly patch: unknown },
    actor: string,
  ): Promise<ChangeProblem | null> {
    const { id, patch } = of;
    const before = this.fieldsOf(kind, id);
    if (before === null) return this.#notOurs(kind, id);
    if (!isFields(patch)) return { status: 400, message: "a merge patch is an object" };
    if ("id" in patch && patch["id"] !== id)
      return { status: 400, message: "an id cannot be changed", field: "id" };
    const fields = mergePatch(before, patch) as Fields;
    const made = this.#options.node.state.made.of(kind);
    // The one that changes goes last, so that its faults can be told from others'.
    const others = [...made].filter(([other]) => other !== id).map(([, each]) => each);
    const [fault] = this.#tryWith(kind, [...others, fields], others.length);
    if (fault !== undefined) return problemOf(fault);
    const change = { before: { fields: before }, after: { fields } };
    return this.record([{ actor, action: "update", entity: kind, id, ...change }]);
  }

  async remove(kind: EntityKind, id: string, actor: string): Promise<ChangeProblem | null> {
    const before = this.fieldsOf(kind, id);
    if (before === null) return this.#notOurs(kind, id);
    const dependents = dependentsOf(this.#options.configuration.inForce.config, kind, id);
    if (dependents !== null) {
      const message = `${KINDS[kind].noun} "${id}" is still used by ${dependents}; change or remove those first`;
      return { status: 409, message };
    }
    const change = { before: { fields: before }, after: null };
    return this.record([{ actor, action: "delete", entity: kind, id, ...change }]);
  }

  /**
   * Journals changes, all or none, and brings them into force in one step.
   *
   * @returns a problem where they are recorded, but a fault of the file keeps them from being in force.
   * @throws JournalUnavailable where they cannot be recorded.
   */
  async record(changes: readonly Change[]): Promise<ChangeProblem | null> {
    const { node, configuration, nowMs } = this.#options;
    const time = formatTime(nowMs());
    const records = changes.map((change): AdminChangeRecord => ({
      time,
      type: "admin_change",
      ...change,
    }));
    const written = await Promise.allSettled(records.map((each) => node.journal.intent(each)));
    const kept = records.filter((_, index) => written[index]?.status === "fulfilled");
    for (const each of kept) applyToState(node.state, each);
    const failed = written.find((each) => each.status === "rejected");
    if (failed !== undefined) {
      this.#takeBack(kept, time);
      throw failed.reason;
    }
    const [fault] = await configuration.reload();
    if (fault === undefined) return null;
    return {
      status: 409,
      message: `it is recorded, and comes into force when the configuration is mended: ${fault.path}: ${fault.message}`,
    };
  }

  /** The part of a list that was written before the journal failed goes again: all or none. */
  #takeBack(written: readonly AdminChangeRecord[], time: string): void {
    const { node } = this.#options;
    for (const made of written.filter(({ action }) => action === "create")) {
      const { entity, id, actor } = made;
      const before = { fields: (made.after as NewEntity).fields };
      const record = {
        type: "admin_change",
        time,
        actor,
        entity,
        id,
        before,
        after: null,
      } as const;
      const removal: AdminChangeRecord = { ...record, action: "delete" };
      node.journal.outcome(removal);
      applyToState(node.state, removal);
    }
  }

  /** Tries the configuration with this list of a kind; `first` is the index of the first new one. */
  #tryWith(kind: EntityKind, list: readonly unknown[], first: number): ListProblems {
    const { node, configuration } = this.#options;
    const { section } = KINDS[kind];
    const loaded = configuration.read({ ...madeEntities(node.state), [section]: list });
    if (loaded.ok) return [];
    const own = loaded.faults.flatMap((fault) => {
      const at = readAddedPath(fault.path);
      if (at === null || at.section !== section || at.index < first) return [];
      const field = at.field === "" ? {} : { field: at.field };
      return [{ index: at.index - first, status: 400 as const, message: fault.message, ...field }];
    });
    if (own.length > 0) return own;
    const [fault] = loaded.faults;
    return fault === undefined ? [] : [{ index: 0, ...conflictOf(fault) }];
  }

  #idsOf(kind: EntityKind): Set<string> {
    const { node, configuration } = this.#options;
    const inForce = KINDS[kind].list(configuration.inForce.config).map(({ id }) => id);
    return new Set([...inForce, ...node.state.made.of(kind).keys()]);
  }

  #notOurs(kind: EntityKind, id: string): ChangeProblem {
    const { noun } = KINDS[kind];
    if (!this.#idsOf(kind).has(id)) return { status: 404, message: `there is no ${noun} "${id}"` };
    const message = `${noun} "${id}" is defined in the configuration file; change it there`;
    return { status: 409, message };
  }
}

/** A problem of a list as one of its own. */
export function problemOf(problem: ListProblems[number]): ChangeProblem {
  const { status, message, field } = problem;
  return { status, message, ...(field === undefined ? {} : { field }) };
}

/** The mark of one of several changes says which it is: a list that was half written is not done. */
function partOf(by: Asker, part: { readonly number: number; readonly of: number }): Asker {
  const { actor, idempotency } = by;
  if (idempotency === undefined || part.of === 1) return by;
  return { actor, idempotency: { ...idempotency, part } };
}

function conflictOf({ path, message }: Fault): ChangeProblem {
  return {
    status: 409,
    message: `it does not go with the rest of the configuration: ${path}: ${message}`,
  };
}

function idOf(fields: unknown): string {
  const id = isFields(fields) ? fields["id"] : null;
  return typeof id === "string" ? id : "";
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
