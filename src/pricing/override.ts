/** A price stated in the configuration: it beats the table from its date on. */

/** US dollars per million tokens as decimal strings, as in the file. */
export interface PriceOverride {
  readonly model: string;
  /** YYYY-MM-DD; effective from its midnight UTC. */
  readonly from: string;
  readonly input: string;
  readonly output: string;
  /** Null: the table's, else input × 0.1 (read), × 1.25 (5 minutes), × 2 (1 hour). */
  readonly cache_read: string | null;
  readonly cache_write_5m: string | null;
  readonly cache_write_1h: string | null;
}
