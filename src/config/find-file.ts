/** Which configuration file is meant: the same answer for the gateway and for every command. */
import { existsSync } from "node:fs";
import type { Environment } from "./reference.ts";

const STANDARD_FILE = "tollgate.yaml";

/** The file named on the command line, else by `TOLLGATE_CONFIG`, else `tollgate.yaml` where it exists; null: none. */
export function findConfigFile(named: string | null, environment: Environment): string | null {
  const variable = environment["TOLLGATE_CONFIG"] ?? "";
  if (named !== null) return named;
  // Compose files and charts pass variables that nobody set as empty ones.
  if (variable !== "") return variable;
  return existsSync(STANDARD_FILE) ? STANDARD_FILE : null;
}
