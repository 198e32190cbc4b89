/** Entities that were made through the API: checked like those of the file, and told apart from them. */
import { isMap } from "./draft.ts";
import { API, type Fault, type Path, pathText } from "./fault.ts";

const SECTIONS = ["providers", "customers", "teams", "owners", "virtual_keys"] as const;

/** A list of entities of the file. */
export type EntitySection = (typeof SECTIONS)[number];

/** Entities as plain values with the fields of the file; they follow those of the file. */
export type AddedEntities = { readonly [Section in EntitySection]?: readonly unknown[] };

/** How many entities of each section are the file's own. */
export type OwnCounts = Readonly<Record<EntitySection, number>>;

/** What the paths of their faults begin with, before the section's name. */
const ADDED = "added_";
const ADDED_PATH = /^added_([a-z_]+)\[(\d+)\]\.?(.*)$/s;

/** Appends `added` to the sections of `root`, in place; nothing to those that are faulty as a whole. */
export function addEntities(root: unknown, added: AddedEntities): OwnCounts {
  const counts = Object.fromEntries(
    SECTIONS.map((section) => [section, addTo(root, section, added[section] ?? [])]),
  );
  return counts as Record<EntitySection, number>;
}

function addTo(root: unknown, section: EntitySection, added: readonly unknown[]): number {
  if (!isMap(root)) return 0;
  const own: unknown = Object.hasOwn(root, section) ? root[section] : [];
  if (!Array.isArray(own)) return 0;
  // Copies, because faulty parts are marked in place.
  if (added.length > 0) root[section] = [...(own as unknown[]), ...structuredClone(added)];
  return own.length;
}

/** Whether `path` leads into an entity of the file itself. */
export function isOwn(path: Path, own: OwnCounts): boolean {
  const [section, index] = path;
  return isSection(section) && typeof index === "number" && index < own[section];
}

/** Where a finding in an added entity is; null where `path` leads into the file. */
export function addedPlace(path: Path, own: OwnCounts): Omit<Fault, "message"> | null {
  const [section, index, ...rest] = path;
  if (!isSection(section) || typeof index !== "number" || index < own[section]) return null;
  const printed = pathText([ADDED + section, index - own[section], ...rest]);
  return { file: API, line: 1, column: 1, path: printed };
}

/** Reads the path of a fault in an added entity; `field` is "" for the entity itself. Null: in the file. */
export function readAddedPath(
  path: string,
): { readonly section: EntitySection; readonly index: number; readonly field: string } | null {
  const [, section, index, field = ""] = ADDED_PATH.exec(path) ?? [];
  return isSection(section) ? { section, index: Number(index), field } : null;
}

function isSection(name: unknown): name is EntitySection {
  return SECTIONS.some((section) => section === name);
}
