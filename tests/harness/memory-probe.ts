/** Preloaded into a gateway that is measured: on SIGUSR2 it collects garbage and prints what is left. */
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

/** What Node has to be started with. */
export const PROBE_ARGUMENTS = ["--expose-gc", "--import", fileURLToPath(import.meta.url)] as const;

/** What a printed line starts with; a `MemoryProbe` follows as JSON. */
const PROBE_LINE = "memory-probe ";

export interface MemoryProbe {
  /** Heap and buffers that a collection has left, bytes. */
  readonly live: number;
  /** What the system counts, before the collection, bytes. */
  readonly resident: number;
}

/** All probes in what a process has printed. */
export function probesIn(printed: string): MemoryProbe[] {
  const lines = printed.split("\n").filter((line) => line.startsWith(PROBE_LINE));
  return lines.map((line) => JSON.parse(line.slice(PROBE_LINE.length)) as MemoryProbe);
}

/** One collection frees buffers only after their owners: the second counts. */
const COLLECTIONS = 3;

if (isMainThread && globalThis.gc !== undefined) {
  process.on("SIGUSR2", () => {
    const resident = process.memoryUsage.rss();
    for (let round = 0; round < COLLECTIONS; round++) globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    const probe: MemoryProbe = { live: heapUsed + external, resident };
    process.stderr.write(`${PROBE_LINE}${JSON.stringify(probe)}\n`);
  });
}
