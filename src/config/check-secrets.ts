/** Every secret reference resolves to something of the right form; nothing of it is ever repeated. */
import { checkTlsPair } from "./check-tls.ts";
import type { Checking } from "./check.ts";
import { isWritten, itemsOf } from "./draft.ts";
import type { Path } from "./fault.ts";
import { isHeaderValue, parseProxyUrl, REFERENCE, VIRTUAL_KEY_SECRET } from "./scalar.ts";
import { shown } from "./secrecy.ts";

export function checkSecrets(checking: Checking): void {
  const { draft } = checking;
  for (const [index, provider] of itemsOf(draft.providers)) {
    for (const [at, key] of itemsOf(provider.keys)) {
      checkProviderKey(checking, ["providers", index, "keys", at], key);
    }
  }
  checkCredential(checking, ["admin", "token"], draft.admin?.token);
  checkVirtualKeySecrets(checking);
  checkProxy(checking, draft.outbound?.proxy);
  checkPem(checking, {
    path: ["outbound", "ca"],
    reference: draft.outbound?.ca,
    holds: "CERTIFICATE",
  });
  checkTls(checking);
}

type ProviderDraft = NonNullable<NonNullable<Checking["draft"]["providers"]>[number]>;
type KeyDraft = NonNullable<NonNullable<ProviderDraft["keys"]>[number]>;

/** Exactly one way to identify oneself, and everything that it refers to. */
function checkProviderKey(checking: Checking, path: Path, key: KeyDraft): void {
  const { secret, aws, google, azure } = key;
  const ways = ["secret", "aws", "google", "azure"] as const;
  const named = ways.filter((way) => isWritten(key, way));
  if (named.length === 0)
    checking.report(path, "a provider's key needs a credential: add secret: env:NAME");
  if (named.length > 1)
    checking.report(
      path,
      `a provider's key has one credential, not ${named.join(" and ")}: keep one`,
    );
  checkCredential(checking, [...path, "secret"], secret);
  checkCredential(checking, [...path, "aws", "access_key_id"], aws?.access_key_id);
  checkCredential(checking, [...path, "aws", "secret_access_key"], aws?.secret_access_key);
  checkCredential(checking, [...path, "aws", "session_token"], aws?.session_token);
  if (
    aws !== undefined &&
    (aws.access_key_id === undefined) !== (aws.secret_access_key === undefined)
  )
    checking.report(
      [...path, "aws"],
      "a static AWS key is access_key_id and secret_access_key together: add the other",
    );
  resolved(checking, [...path, "google", "credentials"], google?.credentials);
  checkCredential(checking, [...path, "azure", "client_secret"], azure?.client_secret);
}

function checkTls(checking: Checking): void {
  const { tls } = checking.draft.server ?? {};
  const cert = checkPem(checking, {
    path: ["server", "tls", "cert"],
    reference: tls?.cert,
    holds: "CERTIFICATE",
  });
  const key = checkPem(checking, {
    path: ["server", "tls", "key"],
    reference: tls?.key,
    holds: "PRIVATE KEY",
  });
  if (cert !== null && key !== null) checkTlsPair(checking, { cert, key });
}

/** The secret behind a reference; reports and returns null where there is none. */
function resolved(
  { references, report }: Checking,
  path: Path,
  reference: string | undefined,
): string | null {
  if (reference === undefined) return null;
  const resolution = references.resolve(reference);
  if (resolution.ok) return resolution.value;
  report(path, resolution.message);
  return null;
}

function checkCredential(checking: Checking, path: Path, reference: string | undefined): void {
  const value = resolved(checking, path, reference);
  if (value === null || isHeaderValue(value)) return;
  const message = `${shown(reference)} holds spaces, line breaks or characters that no header can carry: set it anew`;
  checking.report(path, message);
}

function checkVirtualKeySecrets(checking: Checking): void {
  const indexBySecret = new Map<string, number>();
  for (const [index, { secret }] of itemsOf(checking.draft.virtual_keys)) {
    const path = ["virtual_keys", index, "secret"];
    const value = resolved(checking, path, secret);
    if (value === null) continue;
    const first = indexBySecret.get(value);
    if (!VIRTUAL_KEY_SECRET.test(value)) {
      const form = "vk_ and 20 or more of A-Z a-z 0-9 _ -";
      checking.report(path, `${shown(secret)} does not hold a virtual key: set it to ${form}`);
    } else if (first === undefined) indexBySecret.set(value, index);
    else {
      const line = checking.lineOf(["virtual_keys", first, "secret"]);
      checking.report(
        path,
        `${shown(secret)} holds the same secret as the key at line ${line}: give each its own`,
      );
    }
  }
}

function checkProxy(checking: Checking, written: string | undefined): void {
  const path = ["outbound", "proxy"];
  if (written === undefined) return;
  const isReference = REFERENCE.test(written);
  const url = isReference ? resolved(checking, path, written) : written;
  if (url === null || parseProxyUrl(url) !== null) return;
  const subject = isReference ? shown(written) : "it";
  checking.report(
    path,
    `${subject} does not hold an http or https URL: set it to one such as http://proxy:3128`,
  );
}

/** What is behind the reference; reports and returns null where that is not what it should be. */
function checkPem(
  checking: Checking,
  of: { readonly path: Path; readonly reference: string | undefined; readonly holds: string },
): string | null {
  const value = resolved(checking, of.path, of.reference);
  if (value === null || value.includes(`${of.holds}-----`)) return value;
  const message = `${shown(of.reference)} holds no ${of.holds} in PEM form: set it to one`;
  checking.report(of.path, message);
  return null;
}
