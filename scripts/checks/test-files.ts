/** Which test files each step runs, as globs below the checkout's root; together they are all there are. */

export interface TestFiles {
  readonly include: readonly string[];
  readonly except: readonly string[];
}

const TIDY = "tests/tidy/**/*.test.ts";

export const TEST_FILES = {
  tidy: { include: [TIDY], except: [] },
  unit: { include: ["src/**/*.test.ts"], except: [] },
  tests: { include: ["tests/**/*.test.ts"], except: [TIDY, "**/node_modules/**"] },
} as const satisfies Record<string, TestFiles>;
