/** What a provider's entry must say for its kind: address, settings, door, and credentials that fit. */
import { needsOf } from "../providers/needs.ts";
import type { Checking } from "./check.ts";
import { isWritten, itemsOf } from "./draft.ts";
import type { Path } from "./fault.ts";
import { shown } from "./secrecy.ts";

type ProviderDraft = NonNullable<NonNullable<Checking["draft"]["providers"]>[number]>;
type Needs = NonNullable<ReturnType<typeof needsOf>>;

const EXAMPLES: Readonly<Record<string, string>> = {
  secret: "secret: env:NAME",
  aws: "aws: {}",
  google: "google: {}",
  azure: "azure: { tenant_id: …, client_id: …, client_secret: env:NAME }",
};

/** Checks an entry whose kind is known. */
export function checkProvider(checking: Checking, path: Path, provider: ProviderDraft): void {
  const { kind = "", door = null } = provider;
  const hasBaseUrl = isWritten(provider, "base_url");
  const needs = needsOf(kind, { hasBaseUrl, door });
  if (needs === null) return;
  const { report, suggester } = checking;
  if (door !== null && !needs.doors.includes(door)) {
    const remedy = suggester.remedy(door, needs.doors);
    report([...path, "door"], `kind ${kind} has no door ${shown(door)}: ${remedy}`);
  }
  if (needs.baseUrl && !hasBaseUrl)
    report(path, `a provider of kind ${kind} has no address of its own: add base_url: https://…`);
  checkSettings(checking, path, { provider, needs });
  checkKeys(checking, path, { provider, needs });
}

interface Checked {
  readonly provider: ProviderDraft;
  readonly needs: Needs;
}

function checkSettings(
  { report, suggester }: Checking,
  path: Path,
  { provider, needs }: Checked,
): void {
  const { kind, settings = {} } = provider;
  const written = Object.keys(settings);
  for (const name of needs.settings)
    if (!written.includes(name))
      report(
        path,
        `a provider of kind ${kind} needs the setting ${name}: add settings: { ${name}: … }`,
      );
  for (const name of written) {
    if (needs.knownSettings.includes(name)) continue;
    const remedy = suggester.remedy(name, needs.knownSettings);
    const known = needs.knownSettings.length === 0 ? "take it out" : remedy;
    report([...path, "settings", name], `kind ${kind} has no setting ${shown(name)}: ${known}`);
  }
}

function checkKeys({ report }: Checking, path: Path, { provider, needs }: Checked): void {
  const { kind, keys } = provider;
  const hasKeys = isWritten(provider, "keys") && keys?.length !== 0;
  const [first = "secret"] = needs.credentials;
  if (needs.keys && !hasKeys) {
    const example = `keys: [{ id: main, ${EXAMPLES[first]} }]`;
    report(path, `a provider of kind ${kind} needs keys: add ${example}`);
  }
  // Who needs no key at all does no harm with one.
  if (needs.credentials.length === 0) return;
  for (const [index, key] of itemsOf(keys)) {
    for (const way of ["secret", "aws", "google", "azure"] as const) {
      if (!isWritten(key, way) || needs.credentials.includes(way)) continue;
      const remedy = `write ${EXAMPLES[first]} instead`;
      report([...path, "keys", index, way], `kind ${kind} takes no ${way} credential: ${remedy}`);
    }
  }
}
