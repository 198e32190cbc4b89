/** Preloaded into a gateway: has its process serve further gateways, each with a data directory of its own. */
import { isMainThread } from "node:worker_threads";
import { TENANTS_VARIABLE, tenantDirectory, type TenantPlace } from "./tenant-place.ts";

// The views' threads preload it, too, and are not to load a whole gateway each.
if (isMainThread) {
  const { serve } = await import("../../src/main.ts");
  const { env } = process;
  const places = JSON.parse(env[TENANTS_VARIABLE] ?? "[]") as TenantPlace[];
  for (const [index, { configFile, port, adminPort }] of places.entries()) {
    const served = serve({
      configFile,
      environment: {
        ...env,
        TOLLGATE_DATA_DIR: tenantDirectory(env["TOLLGATE_DATA_DIR"] ?? "", index),
        TOLLGATE_LISTEN: `127.0.0.1:${port}`,
        TOLLGATE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      },
      say: () => undefined,
      complain: (line) => void process.stderr.write(`${line}\n`),
    });
    // One that cannot serve ends all: the test that waits for it shows why.
    void served.then((code) => (code === 0 ? undefined : process.exit(code)));
  }
}
