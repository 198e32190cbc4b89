/** Tail latency at a fixed rate, where a slow moment delays everybody behind it as it does in life. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OpenLoop, OpenLoopResult } from "./open-loop-load.ts";
import { outputOf } from "./pinning.ts";
import type { Proxy } from "./proxies.ts";

/** Runs the load on the second core. Where requests failed the proxy could not keep up. */
export async function runOpenLoop(
  proxy: Proxy,
  load: Pick<OpenLoop, "perSecond" | "seconds"> & { readonly body: Buffer },
  folder: string,
): Promise<OpenLoopResult> {
  const bodyFile = join(folder, "open-loop.json");
  writeFileSync(bodyFile, load.body);
  const of: OpenLoop = {
    url: proxy.url,
    headers: proxy.headers("5f0c7f2e-1d36-4a8e-9a53-0f6f5f0e7c11"),
    bodyFile,
    perSecond: load.perSecond,
    seconds: load.seconds,
  };
  const program = join(import.meta.dirname, "open-loop-load.ts");
  const output = await outputOf([process.execPath, program, JSON.stringify(of)]);
  return JSON.parse(output) as OpenLoopResult;
}
