/** `npm test`: runs every check and every test, the cheapest first, and says what passed. */
import { parseArgs } from "node:util";
import { runCommand } from "./checks/command.ts";
import { checkDuplication } from "./checks/duplication.ts";
import { installClaudeCode } from "./checks/install-claude-code.ts";
import type { Step, StepResult, TestCounts } from "./checks/step.ts";
import { TEST_FILES } from "./checks/test-files.ts";
import { runTests } from "./checks/tests.ts";

/** In the order in which they run: a fault is told by the cheapest step that can see it. */
const STEPS: readonly Step[] = [
  { name: "format", run: () => runCommand("oxfmt", ["--check"]) },
  { name: "lint", run: () => runCommand("oxlint", ["--type-aware", "--deny-warnings"]) },
  { name: "types", run: () => runCommand("tsc", ["-p", "tsconfig.json"]) },
  { name: "tidy", run: () => runTests(TEST_FILES.tidy) },
  { name: "unit", run: () => runTests(TEST_FILES.unit) },
  { name: "knip", run: () => runCommand("knip", []) },
  { name: "jscpd", run: () => checkDuplication("src") },
  {
    name: "tests",
    run: async () => {
      await installClaudeCode();
      return runTests(TEST_FILES.tests);
    },
  },
];

const USAGE = `node scripts/check.ts [--keep-going] [STEP…]   steps: ${STEPS.map((step) => step.name).join(", ")}`;

/** The steps named on the command line, all where none is named; null where a name is unknown. */
function chosenSteps(names: readonly string[]): readonly Step[] | null {
  const known = new Set(STEPS.map((step) => step.name));
  if (names.some((name) => !known.has(name))) return null;
  return names.length === 0 ? STEPS : STEPS.filter((step) => names.includes(step.name));
}

async function runStep(step: Step): Promise<StepResult> {
  console.log(`▶ ${step.name}`);
  const startMs = performance.now();
  const result = await step.run();
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  if (!result.ok) console.log(result.output.trimEnd());
  const note = result.note === "" ? "" : `: ${result.note}`;
  console.log(`${result.ok ? "✔" : "✖"} ${step.name} ${seconds} s${note}\n`);
  return result;
}

function sum(results: readonly StepResult[]): TestCounts {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { ok, counts } of results) {
    total.passed += counts.passed;
    // A check has no tests, and a line that ends a failed run must not say "0 failed".
    total.failed += ok ? counts.failed : Math.max(1, counts.failed);
    total.skipped += counts.skipped;
  }
  return total;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { "keep-going": { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const steps = chosenSteps(positionals);
  if (steps === null) {
    console.error(USAGE);
    return 64;
  }
  const results: StepResult[] = [];
  for (const step of steps) {
    const result = await runStep(step);
    results.push(result);
    if (!result.ok && !values["keep-going"]) break;
  }
  const left = steps.slice(results.length).map((step) => step.name);
  if (left.length > 0)
    console.log(`not run: ${left.join(", ")} (--keep-going runs them all the same)`);
  const { passed, failed, skipped } = sum(results);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
