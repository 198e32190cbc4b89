/** Fails where too much of the source is a copy of other source; the limit stands in `.jscpd.json`. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture, ROOT } from "./command.ts";
import { NO_TESTS, type StepResult } from "./step.ts";

interface Place {
  readonly name: string;
  readonly start: number;
}

interface Report {
  readonly duplicates: readonly {
    readonly lines: number;
    readonly firstFile: Place;
    readonly secondFile: Place;
  }[];
  readonly statistics: {
    readonly total: { readonly sources: number; readonly percentage: number };
  };
}

/** Compares the TypeScript files below `folder`; jscpd alone would pass over a folder without any. */
export async function checkDuplication(folder: string): Promise<StepResult> {
  const reportFolder = await mkdtemp(join(tmpdir(), "tollgate-jscpd-"));
  try {
    const { exitCode, output } = await capture("jscpd", [
      "--reporters",
      "json",
      "--output",
      reportFolder,
      folder,
    ]);
    const report = await readReport(join(reportFolder, "jscpd-report.json"));
    if (exitCode !== 0 || report === null) {
      return {
        ok: false,
        output,
        note: report === null ? "no files" : "jscpd failed",
        counts: NO_TESTS,
      };
    }
    return judge(report, await limitPercent());
  } finally {
    await rm(reportFolder, { recursive: true });
  }
}

function judge(report: Report, limit: number): StepResult {
  const { sources, percentage } = report.statistics.total;
  const clones = report.duplicates.map(
    ({ lines, firstFile, secondFile }) =>
      `${lines} lines: ${firstFile.name}:${firstFile.start} and ${secondFile.name}:${secondFile.start}`,
  );
  return {
    ok: sources > 0 && percentage <= limit,
    output: clones.join("\n"),
    note: `${percentage} % of ${sources} files, at most ${limit} %`,
    counts: NO_TESTS,
  };
}

/** Null where jscpd wrote none, as it does where it finds no file. */
async function readReport(file: string): Promise<Report | null> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Report;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw cause;
  }
}

async function limitPercent(): Promise<number> {
  const config = JSON.parse(await readFile(join(ROOT, ".jscpd.json"), "utf8")) as {
    threshold: number;
  };
  return config.threshold;
}
