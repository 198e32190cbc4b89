/** Installs the gateway of Portkey into a temporary folder: a baseline, never a dependency. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const PORTKEY = { name: "@portkey-ai/gateway", version: "1.15.2", provider: "anthropic" };

/**
 * As published it answers 500 to streams: it relays the upstream's response object, whose headers
 * cannot be changed. A copy of them is all that it lacks.
 */
const BROKEN = "new Response(p,e)";
const REPAIRED = "new Response(p,{status:e.status,headers:new Headers(e.headers)})";

/** Where its entry is, or why there is none. Kept between runs. */
export async function installPortkey(): Promise<
  { readonly entry: string } | { readonly missing: string }
> {
  const folder = join(tmpdir(), `tollgate-bench-portkey-${PORTKEY.version}`);
  const built = join(folder, "node_modules", ...PORTKEY.name.split("/"), "build");
  const published = join(built, "start-server.js");
  if (!existsSync(published)) {
    mkdirSync(folder, { recursive: true });
    const code = await npmInstall(folder);
    if (code !== 0) return { missing: `npm could not install ${PORTKEY.name} (exit ${code})` };
  }
  const entry = join(built, "start-server-repaired.js");
  const text = readFileSync(published, "utf8");
  if (text.split(BROKEN).length !== 2)
    return { missing: `${PORTKEY.name} ${PORTKEY.version} is not the build that is known here` };
  writeFileSync(entry, text.replace(BROKEN, REPAIRED));
  return { entry };
}

async function npmInstall(folder: string): Promise<number | null> {
  const wanted = `${PORTKEY.name}@${PORTKEY.version}`;
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  const child = spawn("npm", ["install", "--prefix", folder, ...flags, wanted], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}
