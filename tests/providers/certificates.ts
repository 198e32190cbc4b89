/** Throw-away certificates for tests, made by the `openssl` program. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestAuthority {
  readonly caPem: string;
  /** A certificate for 127.0.0.1 and localhost, signed by it. */
  readonly cert: string;
  readonly key: string;
}

export function hasOpenssl(): boolean {
  return spawnSync("openssl", ["version"]).status === 0;
}

/** A new authority with one server certificate; leaves no file behind. */
export function makeAuthority(): TestAuthority {
  const dir = mkdtempSync(join(tmpdir(), "tollgate-ca-"));
  const run = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  try {
    run("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA");
    run("req", ...newKey, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
    writeFileSync(join(dir, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
    run("x509", "-req", "-in", "server.csr", "-out", "server.pem", ...signed);
    const read = (name: string): string => readFileSync(join(dir, name), "utf8");
    return { caPem: read("ca.pem"), cert: read("server.pem"), key: read("server.key") };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
