/** The shape of a provider as data: everything in which one provider differs from the next. */
import type { Quirk } from "../wire/egress.ts";
import type { Family } from "./families.ts";

/** The format that an upstream speaks. Each has a folder under `wire/`. */
export type WireFormat =
  | "anthropic-messages"
  | "bedrock-invoke"
  | "bedrock-converse"
  | "vertex-anthropic"
  | "openai-chat"
  | "openai-responses"
  | "gemini";

/** How a provider is shown a credential. A further kind is one more member here and in `auth/`. */
export type AuthScheme =
  /** `prefix` comes before the secret: "" or "Bearer ". The name is in lower case. */
  | { readonly kind: "header"; readonly name: string; readonly prefix: string }
  /** Signed by AWS Signature Version 4 for `service` in the provider's region. */
  | { readonly kind: "aws-sigv4"; readonly service: string }
  /** An OAuth2 access token of a Google service account or workload. */
  | { readonly kind: "google-oauth"; readonly scope: string }
  /** An Entra token by client credentials. */
  | { readonly kind: "azure-entra"; readonly scope: string }
  | { readonly kind: "none" };

/**
 * One way into a provider. Paths stand below the base URL; `{model}` and the provider's settings
 * ("{region}") are filled in, percent-encoded.
 */
export interface DoorRow {
  /** Unique in its provider: "messages", "converse". */
  readonly id: string;
  readonly format: WireFormat;
  readonly paths: {
    readonly message: string;
    /** For streamed answers; the same as `message` where the body alone says it. */
    readonly stream: string;
    /** Null where it has no free count. */
    readonly countTokens: string | null;
  };
  /**
   * Globs over the provider's own model ids; null: every model. The first door that fits serves. An
   * empty list: any model, but only where the file's `door` asks for this one.
   */
  readonly models: readonly string[] | null;
  /** Sent with every request, names in lower case; settings in braces are filled in as they are. */
  readonly headers: Readonly<Record<string, string>>;
  /** Sends pings while the model is silent; where it does not, the gateway sends its own. */
  readonly sendsPings: boolean;
}

export interface ProviderCapabilities {
  readonly tools: boolean;
  readonly thinking: boolean;
  readonly caching: "explicit" | "automatic" | "none";
  readonly vision: boolean;
  readonly documents: boolean;
  readonly structuredOutput: boolean;
  /** `max_tokens` bounds thinking and text together, so that it bounds the output of a hold. */
  readonly maxTokensIncludesThinking: boolean;
  /** Takes `anthropic-beta` values that it does not know. */
  readonly takesUnknownBetas: boolean;
  /** No input costs more tokens than the bytes of its UTF-8: no normalising tokenizer. */
  readonly tokensNeverExceedBytes: boolean;
  /** The most that one picture can cost. */
  readonly imageTokensMax: number;
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

/** One model of a provider. */
export interface ModelRow {
  /** As the provider names it. */
  readonly id: string;
  /** Names that clients may ask for it by: "claude-sonnet-5-5". The id itself always works. */
  readonly aliases: readonly string[];
}

/** One provider. A row is only data: whatever needs code is a wire format, an auth scheme or a quirk. */
export interface ProviderRow {
  /** The word that the configuration's `kind` uses. */
  readonly kind: string;
  readonly title: string;
  /**
   * Scheme, host and optional prefix without a trailing slash, with settings in braces
   * ("https://bedrock-runtime.{region}.amazonaws.com"); null where the file must name it.
   */
  readonly baseUrl: string | null;
  /** Names of settings that base URL, paths and headers may need: "region", "project". */
  readonly settings: readonly string[];
  /** Base URLs in place of `baseUrl` where a setting has this value. */
  readonly baseUrlCases?: readonly {
    readonly setting: string;
    readonly value: string;
    readonly baseUrl: string;
  }[];
  /** Regional prices (+10 %) apply where this setting is there with another value than `except`. */
  readonly regionalPremium?: { readonly setting: string; readonly except: string };
  /** `embedded`: answered inside this process, over no socket. */
  readonly transport: "http" | "embedded";
  /** In order of preference; never empty. */
  readonly doors: readonly DoorRow[];
  /** What it accepts; the first of a key's kind is used. Never empty. */
  readonly auth: readonly AuthScheme[];
  /** The path of its list of models below the base URL, in which format; null where it has none. */
  readonly modelList: {
    readonly path: string;
    readonly format: "anthropic" | "openai" | "gemini";
  } | null;
  /** Models known by name. Others are asked for as the client wrote them. */
  readonly models: readonly ModelRow[];
  /** Of the vendors' known models those that it can serve; null: perhaps any. */
  readonly families: readonly Family[] | null;
  /** Models go upstream as the client wrote them, `[1m]` and date included: Anthropic's own API. */
  readonly asksAsWritten?: true;
  readonly quirks: readonly Quirk[];
  readonly can: ProviderCapabilities;
  readonly billing: ProviderBilling;
  /** Where its prices are from; null where nothing is charged (own machines) or only the file knows. */
  readonly priceSource: string | null;
  /** Where the facts above are from. */
  readonly source: string;
  /** The day on which they were last compared with that source, YYYY-MM-DD. */
  readonly checkedOn: string;
}
