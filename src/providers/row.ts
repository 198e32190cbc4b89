/** The shape of a provider as data: everything in which one provider differs from the next. */

/** The format that an upstream speaks. Each has a folder under `wire/`. */
type WireFormat = "anthropic-messages";

/** How a provider is shown a credential. A further kind is one more member here and in `auth.ts`. */
export type AuthScheme =
  /** `prefix` comes before the secret: "" or "Bearer ". The name is in lower case. */
  | { readonly kind: "header"; readonly name: string; readonly prefix: string }
  | { readonly kind: "none" };

/** Paths below the base URL; null where the provider has no such call. */
interface ProviderPaths {
  readonly messages: string;
  readonly countTokens: string | null;
  readonly models: string | null;
}

interface ProviderCapabilities {
  /** `max_tokens` bounds thinking and text together, so that it bounds the output of a hold. */
  readonly maxTokensIncludesThinking: boolean;
  /** Sends pings while the model is silent; where it does not, the gateway sends its own. */
  readonly sendsPings: boolean;
  /** Takes `anthropic-beta` values that it does not know. */
  readonly takesUnknownBetas: boolean;
  /** No input costs more tokens than the bytes of its UTF-8: no normalising tokenizer. */
  readonly tokensNeverExceedBytes: boolean;
}

/** What a provider charges for when an attempt does not end well. */
interface ProviderBilling {
  /** Stopping to read does not stop the charge: a client's hang-up is read to the end. */
  readonly billsToTheEnd: boolean;
  /** Statuses from 400 up whose error envelope does not prove that nothing was billed. */
  readonly unprovenStatuses: readonly number[];
  /** A refusal before any output costs nothing. */
  readonly refusalBeforeOutputIsFree: boolean;
  /** No answer of one request is generated faster; bounds an output that was never reported. */
  readonly outputTokensPerSecondMax: number;
}

/** One provider. A row is only data: whatever needs code is a wire format, an auth scheme or a quirk. */
export interface ProviderRow {
  /** The word that the configuration's `kind` uses. */
  readonly kind: string;
  readonly title: string;
  /** Scheme, host and optional prefix without a trailing slash; null where the file must name it. */
  readonly baseUrl: string | null;
  /** `embedded`: answered inside this process, over no socket. */
  readonly transport: "http" | "embedded";
  readonly wire: WireFormat;
  readonly auth: AuthScheme;
  readonly paths: ProviderPaths;
  readonly can: ProviderCapabilities;
  readonly billing: ProviderBilling;
  /** Where the facts above are from. */
  readonly source: string;
  /** The day on which they were last compared with that source, YYYY-MM-DD. */
  readonly checkedOn: string;
}
