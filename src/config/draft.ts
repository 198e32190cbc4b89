/** What of a faulty file can still be trusted, so that the checks can go on and tell all faults at once. */
import type { Path } from "./fault.ts";

/**
 * A value that may lack any part. A field that is present but undefined was there and is faulty
 * already; one that is absent was not written.
 */
export type Draft<T> = T extends readonly (infer Item)[]
  ? readonly (Draft<Item> | undefined)[]
  : T extends object
    ? { readonly [Field in keyof T]?: Draft<T[Field]> | undefined }
    : T;

/** The value at `path` of plain values; undefined where there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const segment of path) {
    if (!isContainer(value) || !Object.hasOwn(value, segment)) return undefined;
    value = value[segment];
  }
  return value;
}

/** Marks what is at `path` as faulty, in place. Does nothing where what contains it is gone. */
export function markFaulty(root: unknown, path: Path): void {
  const container = valueAt(root, path.slice(0, -1));
  const last = path.at(-1);
  if (isContainer(container) && last !== undefined) container[last] = undefined;
}

/** Claims that `value` is a map or a list. */
export function isContainer(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

/** Claims that `value` is a map. */
export function isMap(value: unknown): value is Record<string | number, unknown> {
  return isContainer(value) && !Array.isArray(value);
}

/** Claims that the map `container` has `field`, valid or not. */
export function isWritten(container: object, field: string): boolean {
  return Object.hasOwn(container, field);
}

/** The items of a list that are still there, each with its index in the file. */
export function* itemsOf<T>(list: readonly (T | undefined)[] | undefined): Generator<[number, T]> {
  for (const [index, item] of (list ?? []).entries()) {
    if (item !== undefined) yield [index, item];
  }
}
