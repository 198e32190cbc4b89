/** `npm start` as a newcomer types it, with nothing set; and its end, by a signal to npm alone. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { until } from "./harness/gateway.ts";
import { freePorts } from "./harness/ports.ts";

const ROOT = join(import.meta.dirname, "..");
const READY_WITHIN_MS = 60_000;
const END_WITHIN_MS = 30_000;
/** A newcomer's environment: none of our settings, no provider's key, nothing of an npm that runs this test. */
const SETTINGS = /^(?:tollgate|anthropic|claude|node_|npm_)|proxy$/i;

let folder: string;
let npm: ChildProcess | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tollgate-start-"));
});
afterEach(async () => {
  if (npm !== null && groupLives(npm)) process.kill(-groupOf(npm), "SIGKILL");
  await rm(folder, { recursive: true });
});

test("npm start is ready with nothing set, and SIGTERM to npm drains the gateway", async () => {
  const [port, adminPort] = await freePorts(2);
  const inherited = Object.entries(process.env).filter(([name]) => !SETTINGS.test(name));
  npm = spawn("npm", ["start"], {
    cwd: ROOT,
    env: {
      ...Object.fromEntries(inherited),
      TOLLGATE_DATA_DIR: join(folder, "data"),
      TOLLGATE_LISTEN: `127.0.0.1:${port}`,
      TOLLGATE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, so that the test can tell when all of it is gone.
    detached: true,
  });
  const output = { out: "", err: "" };
  npm.stdout?.setEncoding("utf8").on("data", (text: string) => (output.out += text));
  npm.stderr?.setEncoding("utf8").on("data", (text: string) => (output.err += text));
  let ended = false;
  npm.once("close", () => (ended = true));

  const line = /^export ANTHROPIC_BASE_URL=(\S+)\n(?:.*\n)*?export ANTHROPIC_API_KEY=(vk_\S+)$/m;
  await until(
    "the two lines to paste are printed",
    () => {
      assert.equal(npm?.exitCode, null, `it ended:\n${output.out}${output.err}`);
      return line.test(output.out);
    },
    READY_WITHIN_MS,
  );
  const [, baseUrl = "", key = ""] = line.exec(output.out) ?? [];
  assert.equal(baseUrl, `http://127.0.0.1:${port}/anthropic`);

  const answer = await fetch(`${baseUrl}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: JSON.stringify({
      model: "claude-opus-5-5",
      max_tokens: 1000,
      stream: true,
      messages: [{ role: "user", content: "hello" }],
    }),
  });
  assert.equal(answer.status, 200);
  assert.ok(answer.body !== null);
  let stream = "";
  const text = new TextDecoder();
  for await (const part of answer.body as AsyncIterable<Uint8Array>) {
    if (stream === "") npm.kill("SIGTERM");
    stream += text.decode(part, { stream: true });
  }
  assert.match(stream, /^event: message_stop$/m, "the running stream came to its end");

  await until("npm ends after the gateway", () => ended, END_WITHIN_MS);
  assert.deepEqual([npm.exitCode, npm.signalCode], [0, null], output.err);
  assert.equal(groupLives(npm), false, "nothing that npm started is left");
});

function groupOf(child: ChildProcess): number {
  assert.ok(child.pid !== undefined);
  return child.pid;
}

/** Whether any process of the group that `child` leads still runs. */
function groupLives(child: ChildProcess): boolean {
  try {
    return process.kill(-groupOf(child), 0);
  } catch (cause) {
    assert.equal((cause as NodeJS.ErrnoException).code, "ESRCH");
    return false;
  }
}
