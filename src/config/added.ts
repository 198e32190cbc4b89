/** Virtual keys that were made through the API: checked like those of the file, and told apart from them. */
import { isMap } from "./draft.ts";
import { API, type Fault, type Path, pathText } from "./fault.ts";

/** What the paths of their faults begin with. */
export const ADDED_KEYS = "added_virtual_keys";

/**
 * Appends `added` to the virtual keys of `root`, in place; nothing where those are faulty as a whole.
 *
 * @returns How many virtual keys `root` had of its own.
 */
export function addVirtualKeys(root: unknown, added: readonly unknown[]): number {
  if (!isMap(root)) return 0;
  const own: unknown = Object.hasOwn(root, "virtual_keys") ? root["virtual_keys"] : [];
  if (!Array.isArray(own)) return 0;
  // Copies, because faulty parts are marked in place.
  if (added.length > 0) root["virtual_keys"] = [...(own as unknown[]), ...structuredClone(added)];
  return own.length;
}

/** Where a finding in an added virtual key is; null where `path` leads into the file. */
export function addedPlace(path: Path, ownKeys: number): Omit<Fault, "message"> | null {
  const [section, index, ...rest] = path;
  if (section !== "virtual_keys" || typeof index !== "number" || index < ownKeys) return null;
  const printed = pathText([ADDED_KEYS, index - ownKeys, ...rest]);
  return { file: API, line: 1, column: 1, path: printed };
}
