/** A pair of files behind the data plane: what is taken, what is not, and how the watch follows it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { systemClock } from "../../src/core/time.ts";
import type { Log } from "../../src/gateway/ports.ts";
import { CannotPresent, openCertificate, tlsFault } from "../../src/node/certificate.ts";
import { until } from "../harness/gateway.ts";
import type { TestAuthority } from "../providers/certificates.ts";
import { NEEDS_OPENSSL, type PairFiles, pairFiles, twoPairs } from "./pairs.ts";

describe("the certificate", { skip: NEEDS_OPENSSL }, () => {
  let [first, second]: readonly TestAuthority[] = [];
  let files: PairFiles;
  before(() => {
    const pairs = twoPairs();
    [first, second] = pairs;
    files = pairFiles(pairs[0]);
  });
  after(() => files.remove());

  /** The certificate of `paths`, what it presents and what it logs. */
  function opened(context: TestContext, paths: { certFile: string; keyFile: string }) {
    const lines: string[] = [];
    const add = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
    const log: Log = { info: add("info"), warn: add("warn"), error: add("error") };
    const certificate = openCertificate(paths, { log, clock: systemClock });
    const presented: string[] = [];
    certificate.onChange(({ cert }) => presented.push(cert));
    context.after(certificate.close);
    return { certificate, presented, lines };
  }

  test("a pair is taken; one that no server could present is told by its part", () => {
    const { cert, key } = first!;
    assert.equal(tlsFault({ cert, key }), null);
    assert.equal(tlsFault({ cert: cert + first!.caPem, key }), null, "a chain");
    const encrypted = execFileSync("openssl", ["pkey", "-aes128", "-passout", "pass:secret"], {
      input: key,
      stdio: ["pipe", "pipe", "ignore"],
    }).toString();
    const cut = `${cert.slice(0, 200)}\n-----END CERTIFICATE-----\n`;
    const faults = [
      [{ cert, key: second!.key }, "key"],
      [{ cert, key: encrypted }, "key"],
      [{ cert, key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" }, "key"],
      [{ cert: first!.caPem + cert, key }, "key"],
      [{ cert: cut, key }, "cert"],
      [{ cert: "", key }, "cert"],
      [{ cert, key: "" }, "key"],
      [{ cert: "\n", key }, "cert"],
    ] as const;
    for (const [pair, part] of faults) {
      const fault = tlsFault(pair);
      assert.equal(fault?.part, part, fault?.reason);
      assert.match(fault?.reason ?? "", /^[\w :-]+$/);
    }
  });

  test("files that cannot be used at the start are told with their paths", () => {
    const services = {
      log: { info() {}, warn() {}, error() {} },
      clock: systemClock,
    };
    const { certFile, keyFile } = files;
    const missing = join(files.folder, "missing.pem");
    assert.throws(
      () => openCertificate({ certFile: missing, keyFile }, services),
      new CannotPresent(`${missing} cannot be read (ENOENT): check path and permissions`),
    );
    assert.throws(() => openCertificate({ certFile, keyFile: certFile }, services), CannotPresent);
  });

  test("a reload takes what is there now, at once, and nothing where nothing is new", (context) => {
    const { certificate, presented } = opened(context, files);
    certificate.reload(files);
    assert.deepEqual(presented, []);
    files.put(second!);
    certificate.reload(files);
    assert.deepEqual(presented, [second!.cert]);
    files.put(first!);
    certificate.reload(files);
    assert.deepEqual(presented, [second!.cert, first!.cert]);
  });

  test("a broken pair keeps the one in force, is told once, and mended is no fault", (context) => {
    const { certificate, presented, lines } = opened(context, files);
    files.put({ cert: first!.cert, key: second!.key });
    certificate.reload(files);
    certificate.reload(files);
    const message = `${files.keyFile} cannot be used with ${files.certFile} (key values mismatch): give the unencrypted key that this certificate was made for`;
    assert.equal(certificate.fault(), message);
    assert.deepEqual(
      lines.filter((line) => line.startsWith("error")),
      [`error certificate kept: ${message}`],
    );
    unlinkSync(files.keyFile);
    certificate.reload(files);
    assert.match(certificate.fault() ?? "", /server\.key cannot be read \(ENOENT\)/);
    assert.equal(certificate.pair().key, first!.key);
    files.put(first!);
    certificate.reload(files);
    assert.equal(certificate.fault(), null);
    assert.deepEqual(presented, []);
  });

  test("other files are followed once the configuration names them", async (context) => {
    const other = pairFiles(second!);
    context.after(other.remove);
    const { certificate, presented } = opened(context, files);
    certificate.reload(other);
    assert.deepEqual(presented, [second!.cert]);
    other.put(first!);
    await until("the other files' change is seen", () => presented.length === 2);
    assert.equal(certificate.pair().cert, first!.cert);
  });

  test("a folder swapped by its symlink is seen, as mounted secrets do it", async (context) => {
    const mount = join(files.folder, "mount");
    const release = (name: string, { cert, key }: TestAuthority): void => {
      mkdirSync(join(mount, name), { recursive: true });
      writeFileSync(join(mount, name, "tls.crt"), cert);
      writeFileSync(join(mount, name, "tls.key"), key);
      symlinkSync(name, join(mount, "..next"));
      renameSync(join(mount, "..next"), join(mount, "..data"));
    };
    release("..first", first!);
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(`..data/${name}`, join(mount, name));
    const paths = { certFile: join(mount, "tls.crt"), keyFile: join(mount, "tls.key") };
    const { presented, lines } = opened(context, paths);
    release("..second", second!);
    await until("the swap is seen", () => presented.length === 1);
    assert.deepEqual(presented, [second!.cert]);
    assert.equal(lines.filter((line) => line.startsWith("error")).length, 0, lines.join("\n"));
  });

  test("an expired certificate is presented with a warning", (context) => {
    const folder = pairFiles(first!);
    context.after(folder.remove);
    const lines: string[] = [];
    const log: Log = { info() {}, warn: (line) => void lines.push(line), error() {} };
    const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + 1000 * 365 * 86_400_000 };
    openCertificate(folder, { log, clock }).close();
    assert.deepEqual(lines, ["the certificate has expired"]);
  });
});
