/** Loads configurations from texts held in memory, in the folder /etc/tollgate. */
import { formatFault } from "../../src/config/fault.ts";
import { type Loaded, loadConfig, type LoadOptions } from "../../src/config/load.ts";

export const KNOWN_KINDS = ["anthropic", "rehearsal"];
export const VIRTUAL_KEY = "vk_abcdefghijklmnopqrstuvwxyz";
/** What must never be seen in a message. */
export const HIDDEN = "hunter2";

const ENVIRONMENT = { SECRET: `${HIDDEN}-and-more`, EMPTY: "", KEY: VIRTUAL_KEY };

const FILES: Readonly<Record<string, string>> = {
  "/etc/tollgate/empty.txt": "\n",
  "/etc/tollgate/two-lines.txt": "a\nb\n",
  "/etc/tollgate/key.txt": `${VIRTUAL_KEY}\n`,
  "/etc/tollgate/token.txt": "a-token-of-good-length\r\n",
  "/etc/tollgate/tls.key": "-----BEGIN PRIVATE KEY-----\n",
  "/etc/tollgate/server.key": "-----BEGIN PRIVATE KEY-----\n",
  "/etc/tollgate/server.pem": "-----BEGIN CERTIFICATE-----\n",
  "/etc/tollgate/corp-ca.pem": "-----BEGIN CERTIFICATE-----\n",
};

/** Loads `text` as tollgate.yaml; null stands for no file. */
export function load(text: string | null, options: Partial<LoadOptions> = {}): Loaded {
  const readFile = (path: string): string => {
    const found = path === "tollgate.yaml" ? text : FILES[path];
    if (found === undefined || found === null) {
      throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    }
    return found;
  };
  return loadConfig({
    file: text === null ? null : "tollgate.yaml",
    workingFolder: "/etc/tollgate",
    environment: ENVIRONMENT,
    knownKinds: KNOWN_KINDS,
    readFile,
    ...options,
  });
}

/** The faults of `text` as printed; none where it loads. */
export function faultsOf(text: string, options: Partial<LoadOptions> = {}): string[] {
  const loaded = load(text, options);
  return loaded.ok ? [] : loaded.faults.map(formatFault);
}

/** The configuration of `text`; throws its faults where it has any. */
export function configOf(text: string | null, options: Partial<LoadOptions> = {}) {
  const loaded = load(text, options);
  if (!loaded.ok) throw new Error(loaded.faults.map(formatFault).join("\n"));
  return loaded.config;
}
