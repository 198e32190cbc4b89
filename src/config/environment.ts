/** The settings that the environment has over the file. */
import { resolve } from "node:path";
import { isMap, valueAt } from "./draft.ts";
import { type Path, pathText } from "./fault.ts";
import type { Environment } from "./reference.ts";
import { REFERENCE } from "./scalar.ts";
import { isSecretField } from "./secrecy.ts";

/**
 * Writes the settings of the environment over those of the file, in place.
 *
 * @param workingFolder What relative paths of the environment count from, absolute.
 * @returns The printed path of each setting that was written, and the variable that it came from.
 */
export function applyEnvironment(
  root: unknown,
  environment: Environment,
  workingFolder: string,
): Map<string, string> {
  const overrides = new Map<string, string>();
  const set = (variable: string, path: Path, valueOf: (text: string) => string): void => {
    const text = environment[variable];
    // Compose files and charts pass variables that nobody set as empty ones.
    if (text === undefined || text === "" || isWrittenOut(path, valueAt(root, path))) return;
    if (!setAt(root, path, valueOf(text))) return;
    overrides.set(pathText(path), variable);
  };
  const asPath = (text: string): string => resolve(workingFolder, text);
  set("TOLLGATE_DATA_DIR", ["data_dir"], asPath);
  set("TOLLGATE_LISTEN", ["server", "listen"], (text) => text);
  set("TOLLGATE_ADMIN_LISTEN", ["server", "admin_listen"], (text) => text);
  set("TOLLGATE_ADMIN_TOKEN", ["admin", "token"], () => "env:TOLLGATE_ADMIN_TOKEN");
  return overrides;
}

/** Claims that a secret stands in the file itself: that is told even where the environment beats it. */
function isWrittenOut(path: Path, value: unknown): boolean {
  return isSecretField(path) && typeof value === "string" && !REFERENCE.test(value);
}

/** Sets a field, with the map around it where that is missing; false where something else is there. */
function setAt(root: unknown, path: Path, value: string): boolean {
  const [first, second] = path;
  if (!isMap(root) || first === undefined) return false;
  if (second === undefined) root[first] = value;
  else {
    if (!Object.hasOwn(root, first)) root[first] = {};
    const inner = valueAt(root, [first]);
    if (!isMap(inner)) return false;
    inner[second] = value;
  }
  return true;
}
