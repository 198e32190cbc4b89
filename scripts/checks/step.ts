/** The words in which a step of the checks is declared and answers. */

/** What the test runner counted; all zero for a check without tests. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_TESTS: TestCounts = { passed: 0, failed: 0, skipped: 0 };

export interface StepResult {
  readonly ok: boolean;
  /** Shown where the step failed. */
  readonly output: string;
  /** A few words for the step's last line; may be empty. */
  readonly note: string;
  readonly counts: TestCounts;
}

export interface Step {
  readonly name: string;
  readonly run: () => Promise<StepResult>;
}
