/** Numbers the attributions of usage: each distinct one is stored once, its labels beside it. */
import type { DatabaseSync } from "node:sqlite";

/** Who and what usage is attributed to, in the order of the table's columns. */
export type DimensionFields = readonly [
  customer: string | null,
  team: string | null,
  owner: string | null,
  virtualKey: string | null,
  provider: string | null,
  model: string | null,
  taskType: string,
  session: string | null,
  agent: string | null,
  /** A JSON object with sorted names. */
  labels: string | null,
];

export interface Dimensions {
  /** The number of a dimension, made where it is new. */
  readonly numberOf: (fields: DimensionFields) => number;
  /** To be called when a transaction was undone: numbers given in it are free again. */
  readonly forget: () => void;
}

/** Numbers remembered in memory; sessions come and go, and those that come back are looked up. */
const REMEMBERED = 20_000;

const INSERT = `INSERT INTO dimensions (key, customer, team, owner, virtual_key, provider, model,
  task_type, session, agent, labels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`;

/** Dimensions over an open database that has the views' tables. */
export function createDimensions(database: DatabaseSync): Dimensions {
  const remembered = new Map<string, number>();
  const find = database.prepare("SELECT id FROM dimensions WHERE key = ?");
  const insert = database.prepare(INSERT);
  const label = database.prepare("INSERT INTO dimension_labels VALUES (?, ?, ?)");
  function make(key: string, fields: DimensionFields): number {
    const id = Number(insert.get(key, ...fields)?.["id"]);
    const labels: unknown = JSON.parse(fields[9] ?? "{}");
    for (const [name, value] of Object.entries(labels as Record<string, string>)) {
      label.run(id, name, value);
    }
    return id;
  }
  function numberOf(fields: DimensionFields): number {
    const key = JSON.stringify(fields);
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const found = find.get(key)?.["id"];
    const id = typeof found === "number" ? found : make(key, fields);
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(key, id);
    return id;
  }
  return { numberOf, forget: () => remembered.clear() };
}
