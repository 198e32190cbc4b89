/** Reads a gateway's journal as an auditor would: money by window, line by line, in plain integers. */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A line of the journal, as far as money and requests go. */
export interface JournalLine {
  readonly seq: number;
  readonly type: string;
  readonly request?: string;
  readonly attempt?: number;
  readonly virtual_key?: string;
  readonly windows?: readonly string[];
  readonly need?: string;
  readonly cost?: string;
  readonly code?: string;
  readonly estimated?: boolean;
  readonly waited_ms?: number;
  readonly clamped_max_tokens?: number | null;
  readonly upstream_request_id?: string | null;
  readonly usage?: Readonly<Record<string, number>>;
}

/** What a window has come to, in nano-dollars. */
export interface WindowSum {
  settled: bigint;
  held: bigint;
  /** The most that settled and held were together. */
  peak: bigint;
}

interface OpenHold {
  readonly windows: readonly string[];
  need: bigint;
}

/** Lines that change a hold. */
const MOVING = new Set(["release", "settle", "cancel"]);

/** All lines of a stopped or idle gateway, in their order. */
export async function journalOf(dataDir: string): Promise<JournalLine[]> {
  const lines: JournalLine[] = [];
  for await (const file of glob("journal/*/*.ndjson", { cwd: dataDir })) {
    const text = await readFile(join(dataDir, file), "utf8");
    for (const line of text.split("\n")) {
      // Room for lines to come is reserved in the file as zeros.
      if (line.startsWith("{")) lines.push(JSON.parse(line) as JournalLine);
    }
  }
  return lines.toSorted((one, other) => one.seq - other.seq);
}

/**
 * Folds the lines; `onLine` sees the windows as they are after each.
 *
 * @throws Error where a line ends a hold that nothing took, or takes one twice.
 */
export function foldBooks(
  lines: readonly JournalLine[],
  onLine: (line: JournalLine, windows: ReadonlyMap<string, WindowSum>) => void,
): Map<string, WindowSum> {
  const windows = new Map<string, WindowSum>();
  const holds = new Map<string, OpenHold>();
  for (const line of lines) {
    if (line.type === "admit") take(line, holds, windows);
    else if (MOVING.has(line.type)) move(line, holds, windows);
    onLine(line, windows);
  }
  if (holds.size > 0) throw new Error(`${holds.size} holds without an end`);
  return windows;
}

type Holds = Map<string, OpenHold>;
type Windows = Map<string, WindowSum>;

function take(line: JournalLine, holds: Holds, windows: Windows): void {
  const name = attemptOf(line);
  if (holds.has(name)) throw new Error(`a second hold for ${name}`);
  const hold = { windows: line.windows ?? [], need: 0n };
  holds.set(name, hold);
  change(windows, hold, { need: BigInt(line.need ?? "") });
}

/** Lowers a hold, or ends it with what it came to. */
function move(line: JournalLine, holds: Holds, windows: Windows): void {
  const name = attemptOf(line);
  const hold = holds.get(name);
  if (hold === undefined) throw new Error(`no hold for ${name}`);
  if (line.type === "release") {
    change(windows, hold, { need: BigInt(line.need ?? "") });
    return;
  }
  change(windows, hold, { need: 0n, cost: BigInt(line.cost ?? "0") });
  holds.delete(name);
}

function attemptOf({ request, attempt }: JournalLine): string {
  return `${request}/${attempt}`;
}

function change(
  windows: Windows,
  hold: OpenHold,
  { need, cost = 0n }: { readonly need: bigint; readonly cost?: bigint },
): void {
  for (const key of hold.windows) {
    const sum = windows.get(key) ?? { settled: 0n, held: 0n, peak: 0n };
    sum.held += need - hold.need;
    sum.settled += cost;
    if (sum.settled + sum.held > sum.peak) sum.peak = sum.settled + sum.held;
    windows.set(key, sum);
  }
  hold.need = need;
}
