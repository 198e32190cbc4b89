/** What a provider's entry in the file must say for its kind, and what it may say. */
import { rowOf } from "./catalogue.ts";
import { namesIn } from "./models.ts";
import type { AuthScheme, DoorRow, ProviderRow } from "./row.ts";

/** Ways in which a key may say its credential, as the file writes them. */
type CredentialField = "secret" | "aws" | "google" | "azure";

interface ProviderNeeds {
  /** Settings without which the entry cannot be served. */
  readonly settings: readonly string[];
  /** Settings that it may have. */
  readonly knownSettings: readonly string[];
  /** The kind has no address of its own. */
  readonly baseUrl: boolean;
  /** False: it serves without keys too. */
  readonly keys: boolean;
  /** What a key of it may have; empty where no key is of use. */
  readonly credentials: readonly CredentialField[];
  /** Ids that `door` may name. */
  readonly doors: readonly string[];
}

const FIELD_OF: Readonly<Record<AuthScheme["kind"], CredentialField | null>> = {
  header: "secret",
  "aws-sigv4": "aws",
  "google-oauth": "google",
  "azure-entra": "azure",
  none: null,
};

/**
 * The needs of a kind; null where the catalogue has none of that name.
 *
 * @param entry What the file says already: with a `base_url` the settings in the kind's own are not
 * needed, with a `door` those of that door alone.
 */
export function needsOf(
  kind: string,
  entry: { readonly hasBaseUrl: boolean; readonly door: string | null },
): ProviderNeeds | null {
  const row = rowOf(kind);
  if (row === null) return null;
  const inUrl = entry.hasBaseUrl || row.baseUrl === null ? [] : namesIn(row.baseUrl);
  const settings = new Set([...inUrl, ...doorsOf(row, entry.door).flatMap(settingsOf)]);
  const fields = row.auth.map((scheme) => FIELD_OF[scheme.kind]);
  return {
    settings: [...settings],
    knownSettings: row.settings,
    baseUrl: row.baseUrl === null,
    keys: !fields.includes(null),
    credentials: [...new Set(fields.filter((field) => field !== null))],
    doors: row.doors.map(({ id }) => id),
  };
}

/** Those that requests may go through: a door that the file must name is none of them by itself. */
function doorsOf(row: ProviderRow, door: string | null): readonly DoorRow[] {
  return row.doors.filter(({ id, models }) => (door === null ? models?.length !== 0 : id === door));
}

function settingsOf({ paths, headers }: DoorRow): string[] {
  const templates = [paths.message, paths.stream, ...Object.values(headers)];
  return templates.flatMap(namesIn).filter((name) => name !== "model");
}
