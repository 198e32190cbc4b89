/** Loads the configuration again when it changes; a faulty one keeps the running one and says why. */
import type { AddedEntities } from "../config/added.ts";
import { configDigest } from "../config/digest.ts";
import { formatFault, type Fault } from "../config/fault.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/config.ts";
import type { NanoUsd } from "../core/money.ts";
import { systemClock } from "../core/time.ts";
import { createTurns } from "../core/turns.ts";
import type { Log, Ruling } from "../gateway/ports.ts";
import type { Hasher } from "../identity/key-ring.ts";
import { modelMatcher } from "../policy/models.ts";
import { createPriceBook } from "../pricing/price-book.ts";
import { smallestSoundCap } from "../pricing/sound-cap.ts";
import { providerKinds } from "../providers/catalogue.ts";
import { expressionFault } from "../routing/rules/expression.ts";
import { tlsFault } from "./certificate.ts";
import { configure } from "./configure.ts";
import type { SpendingHistory } from "./openings.ts";
import type { OpenNode } from "./open-node.ts";
import { defaultKey } from "./private-file.ts";
import type { NodeState } from "./state.ts";

/** A cap that is small even for this context is worth a warning. */
const SMALL_CONTEXT = { contextTokens: 100_000, markers: "5m" } as const;

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a node follows now. */
export interface InForce {
  readonly config: Config;
  readonly ruling: Ruling;
}

export interface ConfigurationOptions {
  readonly file: string | null;
  readonly environment: Environment;
  readonly node: OpenNode;
  readonly hasher: Hasher;
  readonly history: SpendingHistory;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Told after each change of what is in force. */
  readonly onChanged?: (before: Config, after: Config) => void;
}

/** Reads a configuration, with the entities that the API has made beside those of the file. */
export function readConfig(
  file: string | null,
  environment: Environment,
  added: AddedEntities = {},
): ReturnType<typeof loadConfig> {
  const knownKinds = providerKinds();
  const trials = { tlsTrial: tlsFault, expressionTrial: expressionFault };
  const asking = { knownKinds, smallestCap, ...trials };
  return loadConfig({ file, environment, added, ...asking });
}

/** All entities that the API has made, by section of the file. */
export function madeEntities({ made }: Pick<NodeState, "made">): Required<AddedEntities> {
  return {
    customers: [...made.of("customer").values()],
    teams: [...made.of("team").values()],
    owners: [...made.of("owner").values()],
    providers: [...made.of("provider").values()],
    virtual_keys: [...made.of("virtual_key").values()],
  };
}

/** Below it, one request that does not fit leaves a noticeable part of the cap unused. */
function smallestCap(models: readonly string[] | null): NanoUsd | null {
  const book = createPriceBook([]);
  const allows = models === null ? () => true : modelMatcher(models);
  const caps = book
    .wireIds()
    .filter(allows)
    .map((id) => smallestSoundCap(book.resolve(id, systemClock.wallMs()), SMALL_CONTEXT));
  return caps.length === 0 ? null : caps.reduce((least, cap) => (cap > least ? cap : least));
}

/** The configuration in force, changed by one step at a time. */
export class Configuration {
  readonly #options: ConfigurationOptions;
  #inForce: InForce;
  /** Runs a step while no other configuration comes into force. */
  readonly inTurn = createTurns();
  #fault: string | null = null;

  private constructor(options: ConfigurationOptions, inForce: InForce) {
    this.#options = options;
    this.#inForce = inForce;
  }

  /** Brings a configuration that has been read already into force. */
  static async start(options: ConfigurationOptions, config: Config): Promise<Configuration> {
    return new Configuration(options, await bringIntoForce(options, config));
  }

  get inForce(): InForce {
    return this.#inForce;
  }

  /** Reads the configuration as it would be with these entities beside the file's; changes nothing. */
  read(added: AddedEntities): ReturnType<typeof loadConfig> {
    return readConfig(this.#options.file, this.#options.environment, added);
  }

  /** Why the last reload was not taken; null where the file in force is the one on disk. */
  get fault(): string | null {
    return this.#fault;
  }

  /**
   * Reads everything again and brings it into force; requests in flight keep what they began with.
   *
   * @returns the faults that kept the running configuration; none: it was changed.
   */
  reload(): Promise<readonly Fault[]> {
    return this.inTurn(async () => {
      const { file, node, log } = this.#options;
      const loaded = this.read(madeEntities(node.state));
      if (!loaded.ok) {
        for (const fault of loaded.faults) log.error(`configuration kept: ${formatFault(fault)}`);
        this.#fault = loaded.faults.map(formatFault)[0] ?? null;
        return loaded.faults;
      }
      const before = this.#inForce.config;
      try {
        this.#inForce = await bringIntoForce(this.#options, loaded.config);
        this.#options.onChanged?.(before, this.#inForce.config);
      } catch (error) {
        // The views may be away for a moment: what is in force stays, and the next reload tries again.
        const message = `it could not be brought into force: ${String(error)}`;
        log.error(`configuration kept: ${message}`);
        this.#fault = message;
        return [{ file: file ?? "environment", line: 1, column: 1, path: "(file)", message }];
      }
      this.#fault = null;
      log.info("configuration in force", { file, keys: loaded.config.virtualKeys.length });
      warnOfRestart(before, this.#inForce.config, log);
      return [];
    });
  }
}

/** Settings that are read at a start only. */
const START_ONLY: Readonly<Record<string, (config: Config) => unknown>> = {
  "server.listen": ({ server }) => server.listen,
  "server.admin_listen": ({ server }) => server.adminListen,
  "server.drain_seconds": ({ server }) => server.drainMs,
  "server.timeouts.header": ({ server }) => server.timeouts.headerMs,
  "server.timeouts.connect": ({ server }) => server.timeouts.connectMs,
  outbound: ({ outbound }) => outbound,
  data_dir: ({ dataDir }) => dataDir,
  "journal.durability": ({ journal }) => journal.durability,
  "journal.segment_mb": ({ journal }) => journal.segmentBytes,
  log: ({ log }) => log,
  "admin.token": ({ admin }) => admin.token,
};

function warnOfRestart(before: Config, after: Config, log: Log): void {
  const changed = Object.entries(START_ONLY)
    .filter(([, read]) => JSON.stringify(read(before)) !== JSON.stringify(read(after)))
    .map(([setting]) => setting);
  if (changed.length > 0)
    log.warn(`these settings take effect at the next start: ${changed.join(", ")}`);
}

async function bringIntoForce(options: ConfigurationOptions, config: Config): Promise<InForce> {
  const { node, hasher, history, nowMs, log } = options;
  const whole = withDefaultKey(config);
  const ruling = await configure({
    config: whole,
    digest: configDigest(whole),
    state: node.state,
    journal: node.journal,
    history,
    hasher,
    nowMs,
    ruleFailed: ({ rule, message, count }) => {
      if (count === 1)
        log.warn("a routing rule fails on a request and is skipped", { rule, message });
    },
  });
  return { config: whole, ruling };
}

/** Without a file there is one key, whose secret the data directory keeps. */
function withDefaultKey(config: Config): Config {
  if (config.file !== null) return config;
  const virtualKeys = config.virtualKeys.map((key) =>
    key.id === "default" ? { ...key, secret: defaultKey(config.dataDir) } : key,
  );
  return { ...config, virtualKeys };
}
