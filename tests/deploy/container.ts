/**
 * A container without an engine: the Dockerfile's steps run in a scratch folder, and its process in
 * namespaces of its own, as the image's user, over a root that is mounted read-only.
 */
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
} from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { promisify } from "node:util";
import { until } from "../harness/gateway.ts";
import {
  argumentsOf,
  environmentOf,
  isInContext,
  ROOT,
  type Stage,
  stagesOf,
  textsOf,
} from "./dockerfile.ts";

const run = promisify(execFile);
/** The base image's. */
const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Shell that turns folder $1 into a root, runs the build steps $3 in it, then $4… as the user $2. */
const ENTER = `
set -e
root=$1 user=$2 steps=$3
shift 3
mount --bind "$root" "$root"
for folder in usr bin sbin lib lib64; do
  if [ -L "/$folder" ]; then ln -sfn "$(readlink "/$folder")" "$root/$folder"
  elif [ -d "/$folder" ]; then mkdir -p "$root/$folder"; mount --bind -o ro "/$folder" "$root/$folder"
  fi
done
mkdir -p "$root/dev" "$root/proc" "$root/tmp" "$root/opt"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/usr/local"
mkdir -p "$root/usr/local/bin"
cp "$NODE" "$root/usr/local/bin/node"
chroot "$root" sh -ec "$steps"
mkdir -p "$root$TOLLGATE_DATA_DIR"
mount --bind "$DATA" "$root$TOLLGATE_DATA_DIR"
mount -o remount,bind,ro "$root/usr/local"
mount -o remount,bind,ro "$root"
unset NODE DATA
exec chroot "$root" setpriv --reuid "\${user%:*}" --regid "\${user#*:}" --clear-groups \\
  --bounding-set=-all --no-new-privs "$@"
`;

/** Why no container can be made here; false where one can. */
export function containerObstacle(): string | false {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
  const probe = spawnSync("unshare", ["--mount", "--pid", "--fork", "setpriv", "--version"]);
  return probe.status === 0 ? false : "needs unshare and setpriv, and the right to use them";
}

export interface Container {
  /** On this machine. */
  readonly pid: () => number;
  readonly logs: () => string;
  /** The image's health check, as the engine runs it: its exit code. */
  readonly health: () => number | null;
  /** Runs a command in the container, as the image's user. */
  readonly exec: (...command: readonly string[]) => { readonly code: number | null; out: string };
  /** The image's stop signal; resolves to the exit code. */
  readonly stop: () => Promise<number | null>;
  readonly dispose: () => Promise<void>;
}

export interface ContainerOptions {
  /** The text of the configuration file. */
  readonly config: string;
  /** Over the image's own. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Builds and starts. @throws Error where a step of the Dockerfile fails. */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-container-"));
  const stages = stagesOf(readFileSync(join(ROOT, "deploy/Dockerfile"), "utf8"));
  const image = stages.at(-1);
  if (image === undefined) throw new Error("the Dockerfile has no stage");
  for (const stage of stages) await copyInto(stage, folder);
  const root = rootOf(folder, image);
  mkdirSync(join(root, "etc/tollgate"), { recursive: true });
  await writeFile(join(root, "etc/tollgate/tollgate.yaml"), options.config);

  const [user = ""] = textsOf(image, "USER");
  const [uid = 0, gid = 0] = user.split(":").map(Number);
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  chownSync(data, uid, gid);
  const own = { PATH: SEARCH_PATH, ...environmentOf(image), ...options.environment };
  const command = [...entryOf(image, "ENTRYPOINT"), ...entryOf(image, "CMD")];
  const steps = textsOf(image, "RUN").join("\n");
  const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];
  const child = spawn(
    "unshare",
    [...namespaces, "sh", "-c", ENTER, "sh", root, user, steps, ...command],
    {
      env: { ...own, NODE: process.execPath, DATA: data },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  return containerOf({ child, image, own, user, folder });
}

function containerOf(of: {
  readonly child: ChildProcess;
  readonly image: Stage;
  readonly own: Readonly<Record<string, string>>;
  readonly user: string;
  readonly folder: string;
}): Container {
  const { child, image, own, user, folder } = of;
  let logs = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => (logs += text));
  const pid = (): number => childOf(child, logs);
  const exec: Container["exec"] = (...command) => {
    const [uid = "", gid = ""] = user.split(":");
    const inside = ["--target", String(pid()), "--mount", "--pid", "--root", "--wd"];
    const as = ["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups"];
    const ended = spawnSync("nsenter", [...inside, ...as, ...command], {
      env: own,
      encoding: "utf8",
    });
    return { code: ended.status, out: ended.stdout + ended.stderr };
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, "close");
      // Its end is that of what it has forked, too.
      if (signal === "SIGKILL") child.kill(signal);
      else process.kill(pid(), signal);
      await closed;
    }
    return child.exitCode;
  };
  return {
    pid,
    logs: () => logs,
    health: () => exec(...entryOf(image, "HEALTHCHECK")).code,
    exec,
    stop: () => end((textsOf(image, "STOPSIGNAL")[0] ?? "SIGTERM") as NodeJS.Signals),
    dispose: async () => {
      await end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The process that `parent` has forked into the namespaces. */
function childOf(parent: ChildProcess, logs: string): number {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const status = statusOf(entry);
    if (status.includes(`\nPPid:\t${parent.pid}\n`)) return Number(entry);
  }
  throw new Error(`the container does not run: it ended with ${parent.exitCode}\n${logs}`);
}

/** Empty for a process that has ended since it was listed. */
function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause) return "";
    throw cause;
  }
}

/** Waits until the container's health check says that it is ready. */
export async function untilHealthy(container: Container): Promise<void> {
  const hasStarted = (): boolean => container.logs().includes("is ready");
  await until("the gateway says that it is ready", hasStarted, 30_000).catch((cause: unknown) => {
    throw new Error(`the container did not start:\n${container.logs()}`, { cause });
  });
  await until("the container is healthy", () => container.health() === 0);
}

function entryOf(image: Stage, keyword: string): string[] {
  const [text = "[]"] = textsOf(image, keyword);
  return argumentsOf(text);
}

/** The folder that is a stage's root. */
function rootOf(folder: string, stage: Stage): string {
  return join(folder, stage.name ?? "image");
}

/** WORKDIR and COPY of a stage; RUN as well where it is not the last one, whose steps need its root. */
async function copyInto(stage: Stage, folder: string): Promise<void> {
  const root = rootOf(folder, stage);
  let workFolder = root;
  for (const { keyword, text } of stage.instructions) {
    if (keyword === "WORKDIR") {
      workFolder = join(root, text);
      mkdirSync(workFolder, { recursive: true });
    }
    if (keyword === "COPY") copy(text, workFolder, folder);
    if (keyword === "RUN" && stage.name !== null) {
      const env = { ...process.env, npm_config_prefer_offline: "true" };
      await run("sh", ["-ec", text], { cwd: workFolder, env });
    }
  }
}

function copy(text: string, workFolder: string, folder: string): void {
  const words = text.split(/\s+/);
  const [first = ""] = words;
  const fromStage = /^--from=(\w+)$/.exec(first)?.[1];
  const target = words.at(-1) ?? "";
  for (const source of words.slice(fromStage === undefined ? 0 : 1, -1)) {
    const from = fromStage === undefined ? join(ROOT, source) : join(folder, fromStage, source);
    const isFolderOfMany = target === "./";
    const to = isFolderOfMany ? join(workFolder, basename(source)) : join(workFolder, target);
    if (!existsSync(from)) throw new Error(`COPY: ${source} is not there`);
    const inContext = (path: string): boolean => isInContext(relative(ROOT, path));
    // Nothing comes back to a stage that has been copied from.
    if (fromStage !== undefined) renameSync(from, to);
    else cpSync(from, to, { recursive: true, filter: inContext });
  }
}
