/** JSON merge patch as RFC 7396 defines it. */

type Plain = Readonly<Record<string, unknown>>;

/** `target` with `patch` applied: null removes a field, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isPlain(patch)) return patch;
  const merged = new Map(isPlain(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  // From entries, never by assignment: a field called __proto__ stays a field.
  return Object.fromEntries(merged);
}

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
