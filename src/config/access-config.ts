/** What a scope lets its requests be: lists of what is allowed and denied, networks, and hours of the day. */

/** Lists of patterns, in the order in which a request that breaks several is told of them. */
export const ACCESS_LISTS = [
  "models",
  "providers",
  "server_tools",
  "networks",
  "dialects",
  "task_types",
  "betas",
  "headers",
] as const;
export type AccessListName = (typeof ACCESS_LISTS)[number];

/** Dialects in which clients can ask. */
export const CLIENT_DIALECTS = ["anthropic"] as const;

export interface AccessList {
  /** Null: everything that no rule denies. */
  readonly allow: readonly string[] | null;
  /** Wins over `allow`. */
  readonly deny: readonly string[];
}

export const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
export type Day = (typeof DAYS)[number];

/** A stretch of the day by the wall clock; over midnight where `toMinute` is not after `fromMinute`. */
export interface HoursConfig {
  /** Days on which it begins. */
  readonly days: readonly Day[];
  /** Minutes since midnight, 0 to 1439. */
  readonly fromMinute: number;
  /** 1 to 1440; the minute itself is out. */
  readonly toMinute: number;
}

export interface AccessHours {
  /** IANA name. */
  readonly timeZone: string;
  /** Null: at any time that no rule denies. */
  readonly allow: readonly HoursConfig[] | null;
  readonly deny: readonly HoursConfig[];
}

export interface AccessConfig {
  /** Without the lists about which the scope says nothing. */
  readonly lists: { readonly [Name in AccessListName]?: AccessList };
  readonly hours: AccessHours | null;
}
