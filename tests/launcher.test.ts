/** `bin/tollgate`: when it installs, which Node it becomes, and what it says where there is none. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";

const BIN = join(import.meta.dirname, "../bin");
/** What the launcher gives to Node itself, as the stand-in for it prints arguments. */
const OPTIONS = readFileSync(join(BIN, "node-options"), "utf8").trim().replaceAll(" ", "|");
const PINNED = `node_modules/node-linux-${process.arch}/bin/node`;
/** What the launcher itself needs of a machine. */
const TOOLS = ["sh", "uname", "dirname", "readlink"];

describe("bin/tollgate", { skip: process.platform === "linux" ? false : "needs Linux" }, () => {
  let folder: string;

  /** A checkout with stand-ins for npm and Node that say what they were asked; its folder has a space. */
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), "tollgate-launcher-")), "a checkout");
    await cp(BIN, join(folder, "bin"), { recursive: true });
    await put("package-lock.json", "{}");
    await put("node_modules/.package-lock.json", "{}");
    await program(PINNED, standIn("pinned", "v24.21.0"));
    await program("path/node", standIn("installed", "v20.1.0"));
    await program("path/npm", '#!/bin/sh\necho "npm $*"\n');
    for (const tool of TOOLS) await symlink(pathOf(tool), join(folder, "path", tool));
  });
  afterEach(() => rm(dirname(folder), { recursive: true }));

  async function put(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }

  async function program(path: string, text: string): Promise<void> {
    await put(path, text);
    await chmod(join(folder, path), 0o755);
  }

  function start(launcher = "bin/tollgate"): { status: number | null; out: string; err: string } {
    const { status, stdout, stderr } = spawnSync(join(folder, launcher), ["serve", "a b"], {
      env: { PATH: join(folder, "path") },
      encoding: "utf8",
    });
    return { status, out: stdout.trim(), err: stderr.trim() };
  }

  const source = (): string => join(folder, "src/cli/main.ts");

  test("becomes the pinned Node, and hands on its arguments", () => {
    assert.deepEqual(start(), {
      status: 0,
      out: `pinned|${OPTIONS}|${source()}|serve|a b`,
      err: "",
    });
  });

  test("is found through a link, as npm makes one", async () => {
    await symlink("../bin/tollgate", join(folder, "node_modules/link"));
    assert.equal(start("node_modules/link").out, `pinned|${OPTIONS}|${source()}|serve|a b`);
  });

  test("takes an installed Node that is new enough where the pinned one does not run", async () => {
    await program(PINNED, "#!/nowhere/ld.so\n");
    await program("path/node", standIn("installed", "v26.0.0"));
    assert.equal(start().out, `installed|${OPTIONS}|${source()}|serve|a b`);
  });

  test("says in one sentence that the installed Node is too old", async () => {
    await rm(join(folder, PINNED));
    const { status, err } = start();
    assert.equal(status, 1);
    assert.match(err, /^tollgate: this needs Node 24 or newer: .*\.$/);
  });

  test("runs the stripped files of a published package, and installs nothing there", async () => {
    await put("dist/cli/main.js", "");
    await rm(join(folder, "package-lock.json"));
    await rm(join(folder, "node_modules/.package-lock.json"));
    const { out, err } = start();
    assert.equal(out, `pinned|${OPTIONS}|${join(folder, "dist/cli/main.js")}|serve|a b`);
    assert.equal(err, "");
  });

  test("installs what the gateway needs at the first start, telling it in one line", async () => {
    await rm(join(folder, "node_modules/.package-lock.json"));
    const { status, err } = start();
    assert.equal(status, 0);
    const quiet = "--no-save --no-audit --no-fund --loglevel=error";
    assert.deepEqual(err.split("\n"), [
      "tollgate: installing dependencies (first start only) …",
      `npm install --omit=dev ${quiet}`,
    ]);
  });

  test("installs again after the lock file has changed, and keeps a developer's tools", async () => {
    await utimes(join(folder, "node_modules/.package-lock.json"), 1, 1);
    assert.match(start().err, /lock file has changed[^]*npm install --omit=dev/);
    await put("node_modules/typescript/package.json", "{}");
    assert.match(start().err, /lock file has changed[^]*npm install --include=dev/);
  });

  test("a failed installation ends the start", async () => {
    await rm(join(folder, "node_modules/.package-lock.json"));
    await program("path/npm", "#!/bin/sh\nexit 7\n");
    const { status, out, err } = start();
    assert.deepEqual([status, out], [1, ""]);
    assert.match(err, /could not be installed/);
  });
});

function standIn(name: string, version: string): string {
  return `#!/bin/sh
[ "$1" = --version ] && echo ${version} && exit
IFS='|'
echo "${name}|$*"
`;
}

function pathOf(tool: string): string {
  const { stdout } = spawnSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" });
  return stdout.trim();
}
