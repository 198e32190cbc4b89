/** The gateway's parts over a journal of their own, without servers, views and upstreams. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configDigest } from "../src/config/digest.ts";
import { invariant } from "../src/core/invariant.ts";
import { nanoUsd } from "../src/core/money.ts";
import { systemClock } from "../src/core/time.ts";
import type { Gateway, Ruling } from "../src/gateway/ports.ts";
import { openJournal, type OpenedJournal } from "../src/journal/open.ts";
import { createLedgerClock } from "../src/ledger/clock.ts";
import { configure } from "../src/node/configure.ts";
import { nodeHasher } from "../src/node/private-file.ts";
import { readConfig } from "../src/node/reload.ts";
import { emptyState } from "../src/node/state.ts";
import { Sessions } from "../src/policy/sessions.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { fleetConfig, FLEET_ENV } from "./fleet-config.ts";

/** Money windows and limits over each request. */
const WINDOWS = 6;
const LIMITS = 4;
const SEGMENT_BYTES = 64 * 1024 * 1024;

/** Opens both in `folder`; the journal is the caller's to close. */
export async function openGateway(
  folder: string,
): Promise<{ readonly gateway: Gateway; readonly opened: OpenedJournal }> {
  const file = join(folder, "tollgate.yaml");
  writeFileSync(file, JSON.stringify(fleetConfig("http://127.0.0.1:9")));
  const loaded = readConfig(file, { ...FLEET_ENV, TOLLGATE_DATA_DIR: folder }, []);
  invariant(loaded.ok, "the benchmark's configuration is valid");
  const { config } = loaded;
  const clock = systemClock;
  const state = emptyState();
  const opened = await openJournal({
    dataDir: folder,
    node: "bench",
    durability: "os",
    segmentBytes: SEGMENT_BYTES,
    clock,
    onFault: ({ message }) => {
      throw new Error(message);
    },
  });
  const { journal } = opened;
  const ledgerClock = createLedgerClock({ clock, notBeforeMs: 0, askWitness: null });
  const ruling = await configure({
    config,
    digest: configDigest(config),
    state,
    journal,
    history: {
      spent: () => Promise.resolve(nanoUsd(0n)),
      sessions: () => Promise.resolve([]),
    },
    hasher: nodeHasher(folder),
    nowMs: ledgerClock.nowMs,
  });
  checkChain(ruling);
  const gateway: Gateway = {
    ruling: () => ruling,
    ledger: state.fold.ledger,
    ledgerClock,
    clock,
    journal,
    sessions: new Sessions(),
    anonymousRecords: { allow: () => true },
    isFirst: () => false,
    upstream: () => {
      throw new Error("nothing goes upstream here");
    },
    providerHealth: {
      credentialRefused: () => undefined,
      credentialAccepted: () => undefined,
      troubles: () => [],
    },
    maxBodyBytes: () => config.server.maxBodyBytes,
    timeouts: () => config.server.timeouts,
    draining: () => false,
    cutOff: () => false,
    metrics: createMetrics({ budgets: () => [], journalLagMs: () => 0 }),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  };
  return { gateway, opened };
}

function checkChain(ruling: Ruling): void {
  const [plan] = ruling.policy.plans.values();
  const meters = [...(plan?.meters ?? []), ...(plan?.providers[0]?.meters ?? [])];
  const money = meters.filter((meter) => meter.unit === "usd").length;
  invariant(money === WINDOWS && meters.length - money === LIMITS, "six windows and four limits");
}
