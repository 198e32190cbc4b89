/** What the files in deploy/ promise, as far as it can be told without a container engine. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { freshFolder, runCli } from "../cli/run-cli.ts";
import { argumentsOf, environmentOf, isInContext, ROOT, stagesOf, textsOf } from "./dockerfile.ts";

const DRAIN_DEFAULT_SECONDS = 600;
/** What a cut-off request may still take to settle. */
const SETTLE_SECONDS = 12;

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

describe("the Dockerfile", () => {
  const stages = stagesOf(read("deploy/Dockerfile"));
  const image = stages.at(-1)!;

  test("builds in stages, on one exact version of Node: the pinned one", () => {
    assert.ok(stages.length > 1);
    const { optionalDependencies } = JSON.parse(read("package.json")) as {
      optionalDependencies: Record<string, string>;
    };
    const [pinned, ...others] = new Set(Object.values(optionalDependencies));
    assert.deepEqual(others, []);
    for (const { from } of stages) assert.match(from, new RegExp(`^node:${pinned}-[a-z]+-slim$`));
  });

  test("the image has no dependencies for development, and no lock file to install by", () => {
    const installs = stages.flatMap((stage) => textsOf(stage, "RUN")).join("\n");
    assert.match(installs, /npm ci --omit=dev/);
    assert.doesNotMatch(installs, /npm (?:install|i)\b/);
    assert.doesNotMatch(textsOf(image, "COPY").join("\n"), /package-lock/);
  });

  test("every file that is copied exists and is in the context; nothing private is", () => {
    const copies = stages.flatMap((stage) => textsOf(stage, "COPY"));
    const sources = copies
      .filter((text) => !text.startsWith("--from="))
      .flatMap((text) => text.split(/\s+/).slice(0, -1));
    assert.ok(sources.length > 0);
    const absent = sources.filter((path) => !existsSync(join(ROOT, path)) || !isInContext(path));
    assert.deepEqual(absent, []);
    const kept = ["tollgate.yaml", "data/pepper", ".git/config", "deploy/tollgate.env", ".env"];
    const noUse = ["node_modules/zod/package.json", "tests/a.ts", "src/core/money.test.ts"];
    assert.deepEqual([...kept, ...noUse].filter(isInContext), []);
    assert.ok(isInContext("src/core/money.ts"));
  });

  test("runs as a user that is not root, given by number, with its data on a volume", () => {
    assert.deepEqual(textsOf(image, "USER"), ["1000:1000"]);
    const { TOLLGATE_DATA_DIR: dataDir } = environmentOf(image);
    assert.deepEqual(argumentsOf(textsOf(image, "VOLUME")[0]!), [dataDir]);
    assert.match(textsOf(image, "RUN").join(), new RegExp(`-o 1000 -g 1000 -m 0700 ${dataDir}\\b`));
  });

  test("starts without a shell, stops by SIGTERM, and tells its health", () => {
    assert.deepEqual(argumentsOf(textsOf(image, "ENTRYPOINT")[0]!), ["tollgate"]);
    assert.deepEqual(argumentsOf(textsOf(image, "CMD")[0]!), ["serve"]);
    assert.deepEqual(textsOf(image, "STOPSIGNAL"), ["SIGTERM"]);
    const [, script = ""] = argumentsOf(textsOf(image, "HEALTHCHECK")[0]!);
    assert.ok(existsSync(script.replace("/app", ROOT)), script);
  });
});

interface ComposeService {
  readonly build: { readonly context: string; readonly dockerfile: string };
  readonly image: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly tmpfs: readonly string[];
  readonly volumes: readonly string[];
  readonly env_file: readonly string[];
  readonly ports: readonly string[];
  readonly stop_grace_period: string;
  readonly healthcheck: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

describe("compose.yaml", () => {
  const compose = parse(read("deploy/compose.yaml")) as Compose;
  const gateway = compose.services["gateway"]!;
  const image = stagesOf(read("deploy/Dockerfile")).at(-1)!;

  test("runs the image of the Dockerfile, by a version", () => {
    const { context, dockerfile } = gateway.build;
    assert.ok(existsSync(join(ROOT, "deploy", context, dockerfile)));
    const { version } = JSON.parse(read("package.json")) as { version: string };
    assert.equal(gateway.image, `tollgate:${version}`);
    assert.doesNotMatch(read("deploy/compose.yaml") + read("deploy/Dockerfile"), /:latest/);
  });

  test("its root is read-only, and only data and /tmp can be written", () => {
    assert.equal(gateway.read_only, true);
    assert.deepEqual(gateway.cap_drop, ["ALL"]);
    assert.deepEqual(gateway.security_opt, ["no-new-privileges:true"]);
    assert.match(gateway.tmpfs.join(), /^\/tmp:/);
    const writable = gateway.volumes.filter((volume) => !volume.endsWith(":ro"));
    assert.deepEqual(writable, [`data:${environmentOf(image)["TOLLGATE_DATA_DIR"]}`]);
    assert.ok("data" in compose.volumes);
  });

  test("ports are for this host alone, secrets come from a file, health is the image's", () => {
    for (const port of gateway.ports) assert.match(port, /^127\.0\.0\.1:/);
    const [envFile = ""] = gateway.env_file;
    assert.ok(existsSync(join(ROOT, "deploy", envFile.replace(".env", ".example.env"))));
    assert.ok(read(".gitignore").includes(`deploy/${envFile}`), "no commit takes it along");
    const check = argumentsOf(textsOf(image, "HEALTHCHECK")[0]!);
    assert.deepEqual(gateway.healthcheck.test, ["CMD", ...check]);
  });

  test("a stop waits for longer than the drain takes", () => {
    const minutes = Number(/^(\d+)m$/.exec(gateway.stop_grace_period)?.[1]);
    assert.ok(minutes * 60 > DRAIN_DEFAULT_SECONDS + SETTLE_SECONDS);
  });

  test("the example beside it is a valid configuration", async () => {
    const folder = freshFolder();
    copyFileSync(join(ROOT, "deploy/tollgate.example.yaml"), join(folder, "tollgate.yaml"));
    const lines = read("deploy/tollgate.example.env").match(/^\w+=.+$/gm) ?? [];
    const env = Object.fromEntries(lines.map((line) => line.split("=") as [string, string]));
    const { code, out, err } = await runCli(folder, ["check"], env);
    assert.equal(code, 0, err);
    assert.match(out, /is valid/);
  });
});

const HAS_SYSTEMD = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe("tollgate.service", () => {
  const unit = read("deploy/tollgate.service");
  const valuesOf = (name: string): string[] =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value);

  test("is hardened, restarts on failure but not on a wrong configuration", () => {
    assert.notEqual(valuesOf("User")[0], "root");
    const promised = {
      NoNewPrivileges: "yes",
      ProtectSystem: "strict",
      ProtectHome: "yes",
      PrivateTmp: "yes",
      CapabilityBoundingSet: "",
      Restart: "on-failure",
      RestartPreventExitStatus: "78",
      StateDirectoryMode: "0700",
    };
    for (const [name, value] of Object.entries(promised))
      assert.deepEqual(valuesOf(name), [value], name);
    // V8 could not start.
    assert.deepEqual(valuesOf("MemoryDenyWriteExecute"), []);
  });

  test("a stop waits for longer than the drain takes, and asks the gateway alone", () => {
    assert.ok(Number(valuesOf("TimeoutStopSec")[0]) > DRAIN_DEFAULT_SECONDS + SETTLE_SECONDS);
    assert.deepEqual(valuesOf("KillMode"), ["mixed"]);
  });

  test(
    "systemd finds no fault, and rates the exposure as low",
    { skip: HAS_SYSTEMD ? false : "needs systemd-analyze" },
    () => {
      const file = join(freshFolder(), "tollgate.service");
      // The launcher has to be there for it.
      writeFileSync(file, unit.replace("/opt/tollgate", ROOT));
      const verified = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" });
      assert.deepEqual([verified.status, verified.stderr], [0, ""]);
      const rating = ["security", "--offline=true", "--threshold=20", file];
      const rated = spawnSync("systemd-analyze", rating, { encoding: "utf8" });
      assert.equal(rated.status, 0, rated.stdout.slice(-200));
    },
  );
});

test("every file in deploy/ is named by the manual", () => {
  const manual = read("docs/deploy-containers.md");
  const files = globSync("deploy/*", { cwd: ROOT }).filter((path) => /\.(?!env$)|file$/.test(path));
  assert.ok(files.length > 0);
  assert.deepEqual(
    files.filter((path) => path !== "deploy/config" && !manual.includes(path)),
    [],
  );
});
