/** Starts the scripted upstream on its core: the C program where it can be compiled, else the Node one. */
import { execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { programPath } from "../tests/harness/need.ts";
import { JSON_ANSWER, STREAM_EVENTS } from "./answers.ts";
import { LOAD_CORE, spawnOn } from "./pinning.ts";

/** What all requests are answered with; see native/upstream.c. */
export type Answer = "json" | "tick" | "spread" | "idle";

export interface Counts {
  readonly requests: number;
  readonly events: number;
}

export interface Upstream {
  readonly port: number;
  readonly url: string;
  /** What it is, for the table's heading. */
  readonly kind: string;
  readonly setAnswer: (answer: Answer) => Promise<void>;
  /** Answered so far. */
  readonly counts: () => Promise<Counts>;
  readonly stop: () => void;
}

/** Starts it; `folder` takes the compiled program. */
export async function startUpstream(folder: string): Promise<Upstream> {
  const compiler = programPath("cc");
  const command =
    compiler === null
      ? [process.execPath, join(import.meta.dirname, "upstream-node.ts")]
      : compile(compiler, folder);
  const child = spawnOn(LOAD_CORE, command, { stdio: ["pipe", "pipe", "inherit"] });
  const port = Number(await firstLine(child));
  const url = `http://127.0.0.1:${port}`;
  const control = async (name: string): Promise<Counts> => {
    const response = await fetch(`${url}/control/${name}`);
    return (await response.json()) as Counts;
  };
  return {
    port,
    url,
    kind: compiler === null ? "Node (no C compiler)" : "C",
    setAnswer: async (answer) => void (await control(answer)),
    counts: () => control("counts"),
    stop: () => child.stdin?.end(),
  };
}

function compile(compiler: string, folder: string): string[] {
  const [program, json, events] = ["upstream", "answer.json", "events.txt"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const source = join(import.meta.dirname, "native", "upstream.c");
  execFileSync(compiler, ["-O2", "-o", program, source], { stdio: "inherit" });
  writeFileSync(json, JSON_ANSWER);
  writeFileSync(events, STREAM_EVENTS.join(""));
  return [program, json, events];
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the upstream has no output");
  const lines = createInterface(child.stdout);
  const [line] = (await once(lines, "line")) as [string];
  return line;
}
