/** Loads the configuration: the file, what the environment sets over it, and every fault of both at once. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type AddedEntities, addedPlace, addEntities, type OwnCounts } from "./added.ts";
import { buildConfig } from "./build.ts";
import type { TlsTrial } from "./check-tls.ts";
import { checkFile, type FileDraft } from "./check.ts";
import type { Config } from "./config.ts";
import { type ConfigDocument, readDocument } from "./document.ts";
import { isMap } from "./draft.ts";
import { applyEnvironment } from "./environment.ts";
import { explain, type Finding } from "./explain.ts";
import {
  ENVIRONMENT,
  type Fault,
  formatWarning,
  type Path,
  pathText,
  sortFaults,
} from "./fault.ts";
import { createSuggester } from "./nearest.ts";
import { createReferences, type Environment, type ReadFile, reasonOf } from "./reference.ts";
import { type ConfigInput, fileSchema } from "./schema.ts";
import type { ExpressionTrial } from "./routing-check.ts";
import { type SmallestCap, warningsOf } from "./warn.ts";

export interface LoadOptions {
  /** The configuration file; null where there is none, for the default configuration. */
  readonly file: string | null;
  readonly environment: Environment;
  /** The kinds of providers that exist. */
  readonly knownKinds: readonly string[];
  /** Reads the file and what `file:` references name; default: the file system, as UTF-8. */
  readonly readFile?: ReadFile;
  /** What paths from the environment count from, and all paths without a file; default: the process's. */
  readonly workingFolder?: string;
  readonly smallestCap?: SmallestCap;
  /** Without it, certificate and key need only look like PEM. */
  readonly tlsTrial?: TlsTrial;
  /** Without it, expressions of rules are taken as they are. */
  readonly expressionTrial?: ExpressionTrial;
  /** Entities that were made elsewhere; `readAddedPath` reads the paths of their faults. */
  readonly added?: AddedEntities;
}

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Warnings beyond this number say nothing new: a model list that is wrong once is wrong in each key. */
const WARNINGS_MAX = 50;

/**
 * Reads and checks the configuration. Never throws for what a file, a reference or the environment
 * holds: all of that is a fault. No fault or warning repeats a secret.
 *
 * @returns The configuration, with warnings as printed lines; or every fault, in the file's order.
 */
export function loadConfig(options: LoadOptions): Loaded {
  const readFile = options.readFile ?? ((path: string): string => readFileSync(path, "utf8"));
  const source = readSource(options.file, options.environment, readFile);
  if (!source.ok) return { ok: false, faults: [source.fault] };
  const { document } = source;
  if (!document.sound) return { ok: false, faults: sortFaults(document.faults) };
  const workingFolder = options.workingFolder ?? process.cwd();
  const folder = folderOf(options.file, workingFolder);
  const suggester = createSuggester();
  const references = createReferences({
    environment: options.environment,
    readFile,
    folder,
    suggester,
  });
  const root = document.root ?? {};
  const own = addEntities(root, options.added ?? {});
  const overrides = applyEnvironment(root, options.environment, workingFolder);
  const locate = createLocate({ file: options.file, document, overrides, own });

  const parsed = fileSchema.safeParse(root);
  const findings = parsed.success ? [] : explain(parsed.error.issues, root, suggester);
  const draft = isMap(root) ? (root as FileDraft) : {};
  const lineOf = (path: Path): number => locate({ path, part: "value", message: "" }).line;
  const { knownKinds, tlsTrial = noFault, expressionTrial = noFault } = options;
  const trials = { tlsTrial, expressionTrial };
  const checking = { draft, own, knownKinds, references, suggester, lineOf, ...trials };
  const conflicts = checkFile(checking);
  const faults = [...document.faults, ...findings.map(locate), ...conflicts.map(locate)];
  if (!parsed.success || faults.length > 0) return { ok: false, faults: sortFaults(faults) };

  const config = buildConfig({ file: parsed.data, fileName: options.file, folder, references });
  const warnings = warningsOf(parsed.data, config, options.smallestCap ?? null);
  return { ok: true, config, warnings: printWarnings(warnings, locate) };
}

const noFault = (): null => null;

const NO_DOCUMENT: Omit<ConfigDocument, "root"> = {
  faults: [],
  sound: true,
  positionOf: () => ({ line: 1, column: 1 }),
};

type Source = { ok: true; document: ConfigDocument } | { ok: false; fault: Fault };

function readSource(file: string | null, environment: Environment, readFile: ReadFile): Source {
  if (file === null) {
    return { ok: true, document: { ...NO_DOCUMENT, root: defaultFile(environment) } };
  }
  let text: string;
  try {
    text = readFile(file);
  } catch (cause) {
    const message = `the file cannot be read (${reasonOf(cause)}): check its path and permissions`;
    return { ok: false, fault: { file, line: 1, column: 1, path: pathText([]), message } };
  }
  return { ok: true, document: readDocument(text, file) };
}

/** What is served without a file: one of everything, upstream where there is a key for it. */
function defaultFile(environment: Environment): ConfigInput {
  const hasKey = (environment["ANTHROPIC_API_KEY"] ?? "") !== "";
  const keys = [{ id: "default", secret: "env:ANTHROPIC_API_KEY" }];
  return {
    providers: [
      hasKey
        ? { id: "anthropic", kind: "anthropic", keys }
        : { id: "rehearsal", kind: "rehearsal" },
    ],
    customers: [{ id: "default" }],
    teams: [{ id: "default", customer: "default" }],
    virtual_keys: [{ id: "default", team: "default" }],
  };
}

function folderOf(file: string | null, workingFolder: string): string {
  return file === null ? workingFolder : dirname(resolve(workingFolder, file));
}

type Locate = (finding: Finding) => Fault;

function createLocate(of: {
  readonly file: string | null;
  readonly document: ConfigDocument;
  /** Printed paths, and the variables that they were set by. */
  readonly overrides: ReadonlyMap<string, string>;
  readonly own: OwnCounts;
}): Locate {
  const { file, document, overrides, own } = of;
  return ({ path, part, message }) => {
    const added = addedPlace(path, own);
    if (added !== null) return { ...added, message };
    const printed = pathText(path);
    const variable = overrides.get(printed);
    if (variable !== undefined || file === null) {
      return { file: ENVIRONMENT, line: 1, column: 1, path: variable ?? printed, message };
    }
    return { file, ...document.positionOf(path, part), path: printed, message };
  };
}

function printWarnings(findings: readonly Finding[], locate: Locate): string[] {
  const first = findings.slice(0, WARNINGS_MAX).map(locate);
  const lines = sortFaults(first).map(formatWarning);
  const rest = findings.length - first.length;
  return rest === 0 ? lines : [...lines, `warning: and ${rest} more of these`];
}
