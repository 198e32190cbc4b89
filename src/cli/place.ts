/** Which gateway a command is about: its configuration file and its data directory. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readDocument } from "../config/document.ts";
import { valueAt } from "../config/draft.ts";
import { findConfigFile } from "../config/find-file.ts";
import type { Environment } from "../config/reference.ts";
import { CommandFailed, EXIT } from "./exit.ts";

export interface Place {
  /** Null: the default configuration. */
  readonly configFile: string | null;
  /** Absolute. */
  readonly dataDir: string;
  /** Where the data plane listens, as file or environment write it. */
  readonly listen: string;
  /** True where the file has `server.tls`. */
  readonly tls: boolean;
  /** True where the file has `admin.token`. */
  readonly setsAdminToken: boolean;
}

const STANDARD_LISTEN = "127.0.0.1:8080";

/**
 * Finds what `serve` would find, but resolves no secret: commands work in a shell that does not have
 * the gateway's variables.
 *
 * @throws CommandFailed where the file cannot be read.
 */
export function findPlace(named: string | undefined, environment: Environment): Place {
  const configFile = findConfigFile(named ?? null, environment);
  const root = configFile === null ? null : readRoot(configFile);
  const folder = configFile === null ? process.cwd() : dirname(resolve(configFile));
  const variable = environment["TOLLGATE_DATA_DIR"] ?? "";
  const dataDir =
    variable === "" ? resolve(folder, textAt(root, ["data_dir"]) ?? "data") : resolve(variable);
  const listen = environment["TOLLGATE_LISTEN"] ?? "";
  return {
    configFile,
    dataDir,
    listen: listen === "" ? (textAt(root, ["server", "listen"]) ?? STANDARD_LISTEN) : listen,
    tls: valueAt(root, ["server", "tls"]) !== undefined,
    setsAdminToken: valueAt(root, ["admin", "token"]) !== undefined,
  };
}

/** The socket of the gateway that runs on this data directory. */
export function controlSocket({ dataDir }: Place): string {
  return join(dataDir, "control.sock");
}

function readRoot(file: string): unknown {
  try {
    return readDocument(readFileSync(file, "utf8"), file).root;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(`the configuration cannot be read: ${why}`, EXIT.configuration);
  }
}

function textAt(root: unknown, path: readonly string[]): string | null {
  const value = valueAt(root, path);
  return typeof value === "string" && value !== "" ? value : null;
}
