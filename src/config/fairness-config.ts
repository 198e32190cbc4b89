/** What is configured of waiting for room at providers. */

/** Of a team's requests; the first is the most urgent. */
export const PRIORITIES = ["interactive", "background", "batch"] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface FairnessConfig {
  readonly enabled: boolean;
  /** Most requests that wait for one provider. */
  readonly queueMax: number;
  readonly waitMs: number;
}
