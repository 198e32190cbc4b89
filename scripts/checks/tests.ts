/** Runs test files under `node --test`, each in a process of its own, and counts what they say. */
import { glob } from "node:fs/promises";
import { join, relative } from "node:path";
import { run } from "node:test";
import { dot, spec } from "node:test/reporters";
import { ROOT } from "./command.ts";
import type { StepResult } from "./step.ts";
import type { TestFiles } from "./test-files.ts";

/** Two: each file is a process of its own, and gateways and upstreams run beside it. */
const FILES_AT_ONCE = 2;
const TEST_TIMEOUT_MS = 300_000;
/** For a file that does not end after its tests. */
const FILE_TIMEOUT_MS = 900_000;

/** Runs the files that match; a step without any file fails, and so does a file without any test. */
export async function runTests({ include, except }: TestFiles): Promise<StepResult> {
  const found = await Array.fromAsync(glob(include, { cwd: ROOT, exclude: except }));
  const files = found.toSorted().map((file) => join(ROOT, file));
  const tally = { passed: 0, failed: 0, skipped: 0 };
  if (files.length === 0) {
    return { ok: false, output: `no file matches ${include.join(" ")}`, note: "", counts: tally };
  }
  const faults: string[] = [];
  const skips: string[] = [];
  const stream = run({
    files,
    concurrency: FILES_AT_ONCE,
    timeout: FILE_TIMEOUT_MS,
    execArgv: [`--test-timeout=${TEST_TIMEOUT_MS}`],
  });
  stream.on("test:pass", ({ name, file, skip, details }) => {
    // A file that declares no test is reported as one passed test with the file's name.
    if (files.includes(name)) faults.push(`${relative(ROOT, name)} declares no test`);
    if (skip === undefined || skip === false) return;
    const reason = typeof skip === "string" && skip !== "" ? ` (${skip})` : "";
    skips.push(`skipped: ${placeOf(file)} ${name}${reason}`);
    // The runner counts no suite; a skipped one hides tests that nobody has counted.
    if (details.type === "suite") tally.skipped += 1;
  });
  stream.on("test:fail", ({ name, file, line, details }) => {
    if (details.type !== "suite") faults.push(`${placeOf(file, line)} ${name}`);
  });
  stream.on("test:summary", ({ file, counts }) => {
    if (file !== undefined) return;
    tally.passed += counts.passed;
    tally.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
    tally.skipped += counts.skipped + counts.todo;
  });
  await print(stream);
  for (const line of skips) console.log(line);
  return {
    ok: tally.failed === 0 && faults.length === 0,
    output: faults.join("\n"),
    note: `${files.length} files, ${tally.passed} passed`,
    counts: tally,
  };
}

function placeOf(file: string | undefined, line?: number): string {
  const path = file === undefined ? "" : relative(ROOT, file);
  return line === undefined ? path : `${path}:${line}`;
}

/** Every test by name in CI, where the log is all there is; else a dot for each, and the failures. */
async function print(stream: ReturnType<typeof run>): Promise<void> {
  const lines = process.env["CI"] === "true" ? stream.compose(spec) : stream.compose(dot);
  for await (const text of lines) process.stdout.write(String(text));
}
