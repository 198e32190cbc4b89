/** The CPU time of a process and its children, thread by thread, from the scheduler's own account. */
import { readdirSync, readFileSync } from "node:fs";

const NS_PER_US = 1000;

/** Run time so far in microseconds, by the threads' names. Threads that have ended are not in it. */
export function cpuUsByThread(pid: number): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  addProcess(pid, sums);
  return sums;
}

/** Microseconds between two readings: of all threads, and of those that `name` matches. */
export function cpuUsBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  name: RegExp,
): { readonly all: number; readonly named: number } {
  let all = 0;
  let named = 0;
  for (const [thread, us] of after) {
    const spent = us - (before.get(thread) ?? 0);
    all += spent;
    if (name.test(thread)) named += spent;
  }
  return { all, named };
}

function addProcess(pid: number, sums: Map<string, number>): void {
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`;
    try {
      const name = readFileSync(`${folder}/comm`, "utf8").trim();
      const [runNs] = readFileSync(`${folder}/schedstat`, "utf8").split(" ");
      // By thread, not by name alone: one that ends must not take its time out of another's.
      sums.set(`${name} ${task}`, Number(runNs) / NS_PER_US);
      const children = readFileSync(`${folder}/children`, "utf8").trim();
      for (const child of children === "" ? [] : children.split(" "))
        addProcess(Number(child), sums);
    } catch (error) {
      // A thread may end between the list and the look.
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }
}

/** Memory that a process and its children have resident, bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const own = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  const pids = children === "" ? [] : children.split(" ").map(Number);
  return pids.reduce((sum, child) => sum + residentBytes(child), own);
}
