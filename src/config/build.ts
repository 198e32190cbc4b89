/** Makes the configuration of a file that is known to be without fault: texts become amounts and spans. */
import { resolve } from "node:path";
import type { CustomerId, OwnerId, ProviderId, TeamId, VirtualKeyId } from "../core/ids.ts";
import { invariant } from "../core/invariant.ts";
import { formatUsd, type NanoUsd, parseUsd } from "../core/money.ts";
import type { Span } from "../core/span.ts";
import type { CloudCredential } from "../providers/credential.ts";
import type { PriceOverride } from "../pricing/override.ts";
import { accessOf } from "./access-build.ts";
import type {
  BudgetConfig,
  Config,
  KeyProviderConfig,
  LimitConfig,
  ProviderConfig,
  VirtualKeyConfig,
} from "./config.ts";
import { fairnessOf } from "./fairness-build.ts";
import { governanceOf } from "./governance-build.ts";
import { leverRuleOf, leversOf } from "./levers-build.ts";
import { runawayOf } from "./runaway-build.ts";
import type { FileGovernance } from "./governance-schema.ts";
import type { References } from "./reference.ts";
import { routingOf } from "./routing-build.ts";
import { parseAddress, parseDuration, parseMoment, parsePlainUrl, REFERENCE } from "./scalar.ts";
import type { ConfigFile } from "./schema.ts";

const MEBIBYTE = 1_048_576;
const NANO_PER_USD = 1_000_000_000;

type FileProvider = ConfigFile["providers"][number];
type FileVirtualKey = ConfigFile["virtual_keys"][number];
type FileKeyProvider = NonNullable<FileVirtualKey["providers"]>[number];
type FileTeam = ConfigFile["teams"][number];
type FileBudget = FileTeam["budgets"][number];
type FileLimit = FileTeam["rate_limits"][number];

export interface Building {
  readonly file: ConfigFile;
  /** As it was named; null where there was none. */
  readonly fileName: string | null;
  /** What relative paths count from, absolute. */
  readonly folder: string;
  readonly references: References;
}

/** @throws InvariantBroken where the file has a fault that should have been told. */
export function buildConfig({ file, fileName, folder, references }: Building): Config {
  const secretOf = createSecretOf(references);
  const zone = file.time_zone;
  return {
    file: fileName,
    mode: file.mode,
    unknownModels: file.unknown_models,
    runaway: runawayOf(file.runaway),
    server: serverOf(file.server, references),
    outbound: {
      proxyUrl: proxyOf(file.outbound.proxy, secretOf),
      caPem: secretOf(file.outbound.ca),
    },
    dataDir: resolve(folder, file.data_dir),
    timeZone: zone,
    journal: {
      durability: file.journal.durability,
      segmentBytes: file.journal.segment_mb * MEBIBYTE,
      retainMs: sound(parseDuration(file.journal.retain)),
    },
    log: file.log,
    admin: { token: secretOf(file.admin.token), openMetrics: file.admin.open_metrics },
    providers: file.providers.map((provider) => providerOf(provider, zone, secretOf)),
    customers: file.customers.map((customer) => ({
      id: customer.id as CustomerId,
      ...scopeOf(customer, zone),
    })),
    teams: file.teams.map((team) => ({
      id: team.id as TeamId,
      customer: team.customer as CustomerId,
      ...scopeOf(team, zone),
    })),
    owners: file.owners.map((owner) => ({
      id: owner.id as OwnerId,
      team: owner.team as TeamId,
      ...scopeOf(owner, zone),
    })),
    virtualKeys: file.virtual_keys.map((key) => virtualKeyOf(key, zone, secretOf)),
    access: accessOf(file.access, zone),
    routing: routingOf(file.routing),
    levers: file.levers === undefined ? null : leversOf(file.levers),
    leverRules: file.lever_rules.map(leverRuleOf),
    fairness: fairnessOf(file.fairness, file.server.budget_wait_seconds * 1000),
    prices: file.prices.map(priceOf),
  };
}

type SecretOf = (reference: string | undefined) => string | null;

function createSecretOf(references: References): SecretOf {
  return (reference) => {
    if (reference === undefined) return null;
    const resolution = references.resolve(reference);
    invariant(resolution.ok, "a reference of a faultless file resolves");
    return resolution.value;
  };
}

/** What validation has made sure of. */
function sound<T>(value: T | null): T {
  invariant(value !== null, "a value of a faultless file can be read");
  return value;
}

function serverOf(server: ConfigFile["server"], references: References): Config["server"] {
  const { timeouts, tls } = server;
  return {
    listen: sound(parseAddress(server.listen)),
    adminListen: sound(parseAddress(server.admin_listen)),
    maxBodyBytes: server.max_body_mb * MEBIBYTE,
    drainMs: server.drain_seconds * 1000,
    budgetWaitMs: server.budget_wait_seconds * 1000,
    timeouts: {
      headerMs: sound(parseDuration(timeouts.header)),
      bodyIdleMs: sound(parseDuration(timeouts.body_idle)),
      connectMs: sound(parseDuration(timeouts.connect)),
      firstByteMs: sound(parseDuration(timeouts.first_byte)),
      idleMs: sound(parseDuration(timeouts.idle)),
    },
    tls:
      tls === undefined
        ? null
        : { certFile: references.pathOf(tls.cert), keyFile: references.pathOf(tls.key) },
    trustedProxies: server.trusted_proxies,
  };
}

function proxyOf(written: string | undefined, secretOf: SecretOf): string | null {
  if (written === undefined) return null;
  return REFERENCE.test(written) ? secretOf(written) : written;
}

function providerOf(provider: FileProvider, zone: string, secretOf: SecretOf): ProviderConfig {
  return {
    id: provider.id as ProviderId,
    kind: provider.kind,
    baseUrl: provider.base_url === undefined ? null : sound(parsePlainUrl(provider.base_url)),
    settings: provider.settings,
    door: provider.door ?? null,
    modelMap: Object.entries(provider.models).map(([from, to]) => ({ from, to })),
    quirks: provider.quirks,
    allowPrivateNetwork: provider.allow_private_network,
    keys: provider.keys.map((key) => ({
      id: key.id,
      secret: secretOf(key.secret) ?? "",
      cloud: cloudOf(key, secretOf),
      weight: key.weight,
      models: key.models ?? null,
      rateLimits: key.rate_limits.map((limit) => limitOf(limit, zone)),
    })),
  };
}

function cloudOf(
  { aws, google, azure }: FileProvider["keys"][number],
  secretOf: SecretOf,
): CloudCredential | null {
  if (aws !== undefined) {
    const accessKeyId = secretOf(aws.access_key_id);
    const secretAccessKey = secretOf(aws.secret_access_key);
    const isStatic = accessKeyId !== null && secretAccessKey !== null;
    const sessionToken = secretOf(aws.session_token);
    return {
      kind: "aws",
      static: isStatic ? { accessKeyId, secretAccessKey, sessionToken } : null,
      profile: aws.profile ?? null,
      instanceMetadata: aws.instance_metadata,
    };
  }
  if (google !== undefined) {
    const credentialsJson = secretOf(google.credentials);
    return { kind: "google", credentialsJson, instanceMetadata: google.instance_metadata };
  }
  if (azure === undefined) return null;
  const { tenant_id: tenantId, client_id: clientId } = azure;
  return { kind: "azure", tenantId, clientId, clientSecret: sound(secretOf(azure.client_secret)) };
}

function virtualKeyOf(key: FileVirtualKey, zone: string, secretOf: SecretOf): VirtualKeyConfig {
  return {
    id: key.id as VirtualKeyId,
    team: key.team as TeamId,
    owner: (key.owner ?? null) as OwnerId | null,
    secret: secretOf(key.secret),
    expiresMs: key.expires === undefined ? null : sound(parseMoment(key.expires)),
    providers: key.providers?.map((provider) => keyProviderOf(provider, zone)) ?? null,
    ...scopeOf(key, zone),
  };
}

function keyProviderOf(provider: FileKeyProvider, zone: string): KeyProviderConfig {
  return {
    id: provider.id as ProviderId,
    models: provider.models ?? null,
    ...capsOf(provider, zone),
  };
}

function scopeOf(
  scope: Pick<FileTeam, "labels" | "budgets" | "rate_limits"> &
    FileGovernance & { name?: string | undefined },
  zone: string,
) {
  return {
    name: scope.name ?? null,
    labels: scope.labels,
    governance: governanceOf(scope, zone),
    ...capsOf(scope, zone),
  };
}

function capsOf(scope: Pick<FileTeam, "budgets" | "rate_limits">, zone: string) {
  return {
    budgets: scope.budgets.map((budget) => budgetOf(budget, zone)),
    rateLimits: scope.rate_limits.map((limit) => limitOf(limit, zone)),
  };
}

function budgetOf(budget: FileBudget, zone: string): BudgetConfig {
  return {
    usd: sound(parseUsd(budget.usd)),
    span: spanOf(budget, budget.time_zone ?? zone),
    overshoot: budget.overshoot,
  };
}

function limitOf(limit: FileLimit, zone: string): LimitConfig {
  const { concurrent } = limit;
  if (concurrent !== undefined)
    return { unit: "concurrent", amount: concurrent, span: null, burst: null };
  const { overshoot } = limit;
  const window = {
    span: spanOf(limit, zone),
    burst: limit.burst ?? null,
    ...(overshoot === undefined ? {} : { overshoot }),
  };
  if (limit.usd !== undefined) {
    const burst = window.burst === null ? null : window.burst * NANO_PER_USD;
    return { ...window, unit: "cost", amount: sound(parseUsd(limit.usd)), burst };
  }
  if (limit.requests !== undefined) return { unit: "requests", amount: limit.requests, ...window };
  if (limit.input_tokens !== undefined) {
    return { unit: "input_tokens", amount: limit.input_tokens, ...window };
  }
  return { unit: "output_tokens", amount: sound(limit.output_tokens ?? null), ...window };
}

function spanOf(cap: Pick<FileBudget, "per" | "rolling">, timeZone: string): Span {
  const { per, rolling } = cap;
  if (rolling !== undefined)
    return { kind: "rolling", spanMs: sound(parseDuration(rolling)), text: rolling };
  invariant(per !== undefined, "a cap of a faultless file has a period");
  if (per === "total" || per === "session" || per === "subagent") return { kind: per };
  return { kind: "calendar", per, timeZone };
}

function priceOf(price: ConfigFile["prices"][number]): PriceOverride {
  return {
    model: price.model,
    from: price.from,
    input: plain(price.input),
    output: plain(price.output),
    cache_read: price.cache_read === undefined ? null : plain(price.cache_read),
    cache_write_5m: price.cache_write_5m === undefined ? null : plain(price.cache_write_5m),
    cache_write_1h: price.cache_write_1h === undefined ? null : plain(price.cache_write_1h),
  };
}

/** A decimal without the zeros that change nothing: prices promise six decimals at most. */
function plain(decimal: string): string {
  const amount: NanoUsd = sound(parseUsd(decimal));
  return formatUsd(amount);
}
