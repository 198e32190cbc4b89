/** `npm run bench`: measures the product in process and beside nginx and Portkey, and prints one table. */
import { availableParallelism, cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { measureInProcess } from "./in-process.ts";
import { canPin } from "./pinning.ts";
import { progress } from "./progress.ts";
import { inProcessRows } from "./rows.ts";
import { measureRunning, RUNNING_PARTS } from "./running.ts";
import { formatTable, isOver, type Row } from "./table.ts";

const PARTS = ["in-process", ...RUNNING_PARTS] as const;
type Part = (typeof PARTS)[number];

const USAGE = `bench/main.ts [--rounds N] [--seconds S] [PART…]   parts: ${PARTS.join(", ")}`;
const IN_PROCESS_SAMPLE_MS = 60;
/** In process a round takes a second, through sockets minutes. */
const IN_PROCESS_ROUNDS_FACTOR = 5;

interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  readonly parts: readonly Part[];
}

async function main(): Promise<number> {
  const settings = settingsOf();
  if (settings === null) {
    console.error(USAGE);
    return 64;
  }
  const rows: Row[] = [];
  const notes: string[] = [];
  if (settings.parts.includes("in-process")) {
    progress("in process");
    const rounds = settings.rounds * IN_PROCESS_ROUNDS_FACTOR;
    rows.push(...inProcessRows(await measureInProcess({ rounds, sampleMs: IN_PROCESS_SAMPLE_MS })));
  }
  const parts = RUNNING_PARTS.filter((part) => settings.parts.includes(part));
  if (parts.length > 0) {
    const measured = await measureRunning({ ...settings, parts });
    rows.push(...measured.rows);
    notes.push(...measured.notes);
  }
  console.log(heading(settings, notes));
  console.log(formatTable(rows));
  const over = rows.filter(isOver).length;
  console.log(`\n${over === 0 ? "every limit is kept" : `${over} of the limits are exceeded`}`);
  return 0;
}

function settingsOf(): Settings | null {
  const { values, positionals } = parseArgs({
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "3" },
    },
    allowPositionals: true,
  });
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  const named = PARTS.filter((part) => positionals.includes(part));
  const isSound = rounds >= 1 && seconds >= 1 && named.length === positionals.length;
  return isSound ? { rounds, seconds, parts: named.length === 0 ? PARTS : named } : null;
}

function heading({ rounds, seconds }: Settings, notes: readonly string[]): string {
  const [cpu] = cpus();
  const where = canPin() ? "proxies on core 0, load and upstream on core 1" : "nothing is pinned";
  return [
    `Node ${process.versions.node}, ${availableParallelism()} × ${cpu?.model ?? "unknown CPU"}; ${where}.`,
    `Medians of ${rounds} interleaved rounds of ${seconds} s; load average at the end ${loadavg()[0]?.toFixed(1)}.`,
    ...notes,
    "",
  ].join("\n");
}

process.exitCode = await main();
