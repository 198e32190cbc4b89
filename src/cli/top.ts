/** `tollgate top`: who spends how fast, live in the terminal; one look where there is none. */
import type { Command } from "commander";
import { CommandFailed } from "./exit.ts";
import { say, sayJson } from "./terminal.ts";
import { type Screen, topLines } from "./top-lines.ts";
import { createTopReader, type TopReading } from "./top-reading.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

interface TopOptions extends StandardOptions {
  readonly once?: boolean;
}

const REFRESH_MS = 1000;
const STANDARD_COLUMNS = 80;
const STANDARD_ROWS = 48;
const QUIT_KEYS = new Set(["q", "Q", "\u0003", "\u0004"]);
/** The terminal's other screen, without a cursor; and back. */
const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

export function topVerb(session: Session): Command {
  const command = newVerb("top", "show who spends how fast, live; q quits")
    .option("--once", "one look, then end; so it is without a terminal")
    .action((options: TopOptions) =>
      withControl(options, session, async (control) => {
        const read = createTopReader(control);
        const { stdin, stdout } = process;
        const isLive = stdin.isTTY && stdout.isTTY && options.once !== true;
        if (options.json === true) return sayJson(await read());
        if (isLive) return live(read);
        const screen = { columns: stdout.columns ?? STANDARD_COLUMNS, rows: STANDARD_ROWS };
        for (const line of topLines(await read(), screen)) say(line);
      }),
    );
  return withExamples(command, ["top", "top --once", "top --json"]);
}

/** Draws until a key or a signal ends it; the terminal is then as it was. */
async function live(read: () => Promise<TopReading>): Promise<void> {
  const { stdin, stdout } = process;
  const quit = Promise.withResolvers<void>();
  const onKey = (key: string): void => {
    if (QUIT_KEYS.has(key)) quit.resolve();
  };
  const onSignal = (): void => quit.resolve();
  const restore = (): void => {
    stdin.setRawMode(false);
    stdout.write(LEAVE);
  };
  // An end by a fault must not leave the shell without a cursor.
  process.once("exit", restore).once("SIGTERM", onSignal).once("SIGHUP", onSignal);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8").on("data", onKey);
  stdout.write(ENTER);
  try {
    await drawUntil(quit.promise, read);
  } finally {
    process.off("exit", restore).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
    stdin.off("data", onKey).pause();
    restore();
  }
}

/** Draws at once and then each second, until `quit` resolves. */
async function drawUntil(quit: Promise<void>, read: () => Promise<TopReading>): Promise<void> {
  const { stdout } = process;
  const over = new AbortController();
  const ended = quit.then(() => {
    over.abort();
    return "quit" as const;
  });
  for (;;) {
    const drawing = linesOr(read, screenOf(stdout)).then((lines) => {
      // An answer that comes after the end must not be drawn over the shell.
      if (over.signal.aborted) return;
      stdout.write(HOME + lines.map((line) => line + CLEAR_LINE).join("\r\n") + CLEAR_BELOW);
      return refreshed();
    });
    if ((await Promise.race([ended, drawing])) === "quit") return;
  }
}

/** A gateway that restarts is no reason to end: it is asked again. */
async function linesOr(read: () => Promise<TopReading>, screen: Screen): Promise<string[]> {
  try {
    return topLines(await read(), screen);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return [`${error.message}; asked again each second, q quits`.slice(0, screen.columns)];
  }
}

function screenOf({ columns, rows }: NodeJS.WriteStream): Screen {
  return {
    columns: columns > 0 ? columns : STANDARD_COLUMNS,
    rows: rows > 0 ? rows : STANDARD_ROWS,
  };
}

function refreshed(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
}
