/** What the operating system asks of the process: stop (drain first), stop now, read the file again. */

import { systemClock } from "../core/time.ts";

const ECHO_MS = 1_000;

export interface Signals {
  /** Resolves at the first SIGTERM or SIGINT. */
  readonly stop: Promise<void>;
  readonly draining: () => boolean;
  /** Resolves at a second signal, or once `afterMs` have passed. */
  readonly deadline: (afterMs: number) => Promise<void>;
  /** The deadline has passed. */
  readonly cutOff: () => boolean;
}

/** Listens for SIGTERM, SIGINT and SIGHUP (`reload`). */
export function createSignals(reload: () => void): Signals {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let stoppedMs: number | null = null;
  let isCutOff = false;
  const onStop = (signal: NodeJS.Signals) => {
    const nowMs = systemClock.monotonicMs();
    // Ctrl-C reaches the whole process group, and npm passes it on: the same wish, told twice.
    const isEcho = signal === "SIGINT" && nowMs - (stoppedMs ?? nowMs) < ECHO_MS;
    if (stoppedMs !== null && !isEcho) second.resolve();
    stoppedMs ??= nowMs;
    first.resolve();
  };
  process.on("SIGTERM", onStop).on("SIGINT", onStop).on("SIGHUP", reload);
  return {
    stop: first.promise,
    draining: () => stoppedMs !== null,
    deadline: async (afterMs) => {
      const passed = Promise.withResolvers<void>();
      const timer = setTimeout(passed.resolve, afterMs).unref();
      await Promise.race([second.promise, passed.promise]);
      clearTimeout(timer);
      isCutOff = true;
    },
    cutOff: () => isCutOff,
  };
}
