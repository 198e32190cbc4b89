/** What the operating system asks of the process: stop (drain first), stop now, read the file again. */

export interface Signals {
  /** Resolves at the first SIGTERM or SIGINT. */
  readonly stop: Promise<void>;
  readonly draining: () => boolean;
  /** Resolves at a second signal, or once `afterMs` have passed. */
  readonly cutOff: (afterMs: number) => Promise<void>;
}

/** Listens for SIGTERM, SIGINT and SIGHUP (`reload`). */
export function createSignals(reload: () => void): Signals {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let count = 0;
  const onStop = () => {
    count++;
    (count === 1 ? first : second).resolve();
  };
  process.on("SIGTERM", onStop).on("SIGINT", onStop).on("SIGHUP", reload);
  return {
    stop: first.promise,
    draining: () => count > 0,
    cutOff: async (afterMs) => {
      const deadline = Promise.withResolvers<void>();
      const timer = setTimeout(deadline.resolve, afterMs);
      await Promise.race([second.promise, deadline.promise]);
      clearTimeout(timer);
    },
  };
}
