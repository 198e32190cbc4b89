/** How a provider is told who we are: one authenticator a key, its tokens kept from request to request. */
import { createHash } from "node:crypto";
import type { Clock } from "../../core/time.ts";
import type { CloudCredential } from "../credential.ts";
import type { AuthScheme } from "../row.ts";
import type { UpstreamClient } from "../upstream.ts";
import { awsKeys, regionOf } from "./aws-chain.ts";
import type { AwsKeys } from "./aws-keys.ts";
import { signAws } from "./aws-sign.ts";
import type { Signable } from "./aws-sign.ts";
import { entraToken } from "./azure.ts";
import { lastingFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import { googleToken } from "./google-chain.ts";
import { readTextFile } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { TokenCache } from "./token-cache.ts";
import type { Found, Obtained } from "./token-cache.ts";

export type { AuthFault } from "./fault.ts";
/** What the headers of a request depend on, exactly as it is sent. */
export type SignableRequest = Signable;

/** Names in lower case. They replace the client's of the same name. Never logged. */
export interface Identified {
  readonly ok: true;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Authenticator {
  /**
   * What identifies us on this request. At once for plain keys and for tokens that are at hand; what is
   * signed, and the first token, comes later. Never rejects.
   */
  readonly headers: (
    request: SignableRequest,
  ) => Identified | AuthFault | Promise<Identified | AuthFault>;
  /** The provider has refused us: the next request gets a new token. Plain keys stay what they are. */
  readonly forget: () => void;
}

export interface KeyCredential {
  readonly secret: string;
  readonly cloud: CloudCredential | null;
}

export interface Authenticators {
  /**
   * The authenticator of a key. As long as its scheme, credential and settings say the same, it is the
   * same one with its tokens, also over a reload of the configuration.
   *
   * @param keyIdentity provider and key: one of them has one authenticator a scheme.
   */
  readonly of: (
    keyIdentity: string,
    scheme: AuthScheme,
    credential: KeyCredential,
    settings: Readonly<Record<string, string>>,
  ) => Authenticator;
}

/** Of each call to a token server. */
const CALL_DEADLINE_MS = 10_000;

/** Makes authenticators that share nothing but the way out. */
export function createAuthenticators(deps: {
  readonly clock: Clock;
  /** The way to token servers: its proxy, its authorities. */
  readonly client: UpstreamClient;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The file system's where left out. */
  readonly readFile?: (path: string) => Promise<string>;
  readonly callDeadlineMs?: number;
}): Authenticators {
  const machine: Machine = {
    readFile: readTextFile,
    callDeadlineMs: CALL_DEADLINE_MS,
    ...deps,
  };
  const made = new Map<string, Made>();
  return {
    of: (keyIdentity, scheme, credential, settings) => {
      const place = `${keyIdentity}
${scheme.kind}`;
      const known = made.get(place);
      const key = { scheme, credential, settings };
      if (known !== undefined && isSame(known.key, key)) return known.authenticator;
      const digest = digestOf(key);
      const authenticator =
        known?.digest === digest ? known.authenticator : authenticatorFor(machine, key);
      made.set(place, { key, digest, authenticator });
      return authenticator;
    },
  };
}

interface KeyOf {
  readonly scheme: AuthScheme;
  readonly credential: KeyCredential;
  readonly settings: Readonly<Record<string, string>>;
}

interface Made {
  readonly key: KeyOf;
  readonly digest: string;
  readonly authenticator: Authenticator;
}

function isSame(one: KeyOf, other: KeyOf): boolean {
  return (
    one.scheme === other.scheme &&
    one.credential === other.credential &&
    one.settings === other.settings
  );
}

function digestOf({ scheme, credential: { secret, cloud }, settings }: KeyOf): string {
  return createHash("sha256")
    .update(JSON.stringify([scheme, secret, cloud, settings]))
    .digest("base64");
}

function authenticatorFor(
  machine: Machine,
  { scheme, credential, settings }: KeyOf,
): Authenticator {
  const { secret, cloud } = credential;
  switch (scheme.kind) {
    case "none":
      return always({ ok: true, headers: {} });
    case "header":
      if (cloud !== null) return always(misfit(scheme, "a secret"));
      return always({ ok: true, headers: { [scheme.name]: scheme.prefix + secret } });
    case "aws-sigv4": {
      if (cloud?.kind !== "aws") return always(misfit(scheme, "an AWS credential"));
      const region = settings["region"] ?? null;
      const obtain = () => awsKeys(machine, cloud, region);
      return awsAuthenticator(machine, { service: scheme.service, region, obtain });
    }
    case "google-oauth":
      if (cloud?.kind !== "google") return always(misfit(scheme, "a Google credential"));
      return bearerAuthenticator(machine, () => googleToken(machine, cloud, scheme.scope));
    case "azure-entra":
      if (cloud?.kind !== "azure") return always(misfit(scheme, "an Azure credential"));
      return bearerAuthenticator(machine, () => entraToken(machine, cloud, scheme.scope));
  }
}

function misfit({ kind }: AuthScheme, wanted: string): AuthFault {
  return lastingFault(`authentication by ${kind} needs ${wanted} on the key`);
}

function always(result: Identified | AuthFault): Authenticator {
  return { headers: () => result, forget: () => undefined };
}

function bearerAuthenticator(
  machine: Machine,
  obtain: () => Promise<Obtained<string> | AuthFault>,
): Authenticator {
  const cache = new TokenCache(machine.clock, obtain);
  const identified = (found: Found<string> | AuthFault): Identified | AuthFault =>
    found.ok ? { ok: true, headers: { authorization: `Bearer ${found.value}` } } : found;
  return {
    headers: () => {
      const found = cache.get();
      return found instanceof Promise ? found.then(identified) : identified(found);
    },
    forget: () => cache.forget(),
  };
}

function awsAuthenticator(
  machine: Machine,
  from: {
    readonly service: string;
    readonly region: string | null;
    readonly obtain: () => Promise<Obtained<AwsKeys> | AuthFault>;
  },
): Authenticator {
  const cache = new TokenCache(machine.clock, from.obtain);
  return {
    headers: async (request) => {
      const keys = await cache.get();
      if (!keys.ok) return keys;
      const region = from.region ?? regionInHost(request.origin) ?? regionOf(machine);
      if (region === null)
        return lastingFault(`the host of ${request.origin} names no region: set region`);
      const { service } = from;
      const wallMs = machine.clock.wallMs();
      const scope = { keys: keys.value, region, service, wallMs };
      return { ok: true, headers: await signAws(request, scope) };
    },
    forget: () => cache.forget(),
  };
}

/** "eu-central-1" in "https://bedrock-runtime.eu-central-1.amazonaws.com"; null where no label is one. */
function regionInHost(origin: string): string | null {
  const labels = URL.parse(origin)?.hostname.split(".") ?? [];
  return labels.find((label) => /^[a-z]{2,}(-[a-z]+)+-\d+$/.test(label)) ?? null;
}
