/** Those who wait until the views have reached a line. */
import { ViewsUnavailable } from "./worker-link.ts";

export interface Waiters {
  /** Resolves when lines up to `seq` are applied; rejects with `ViewsUnavailable` when time is out. */
  readonly wait: (seq: number, timeoutMs: number) => Promise<void>;
  readonly applied: (seq: number) => void;
  /** Rejects all who wait. */
  readonly fail: (cause: ViewsUnavailable) => void;
}

interface Waiter {
  readonly seq: number;
  readonly resolve: () => void;
  readonly reject: (cause: ViewsUnavailable) => void;
  readonly timer: NodeJS.Timeout | null;
}

/** Nobody waits yet. */
export function createWaiters(): Waiters {
  let waiters: Waiter[] = [];
  function leave(leaves: (waiter: Waiter) => boolean, end: (waiter: Waiter) => void): void {
    const leaving = waiters.filter(leaves);
    waiters = waiters.filter((waiter) => !leaves(waiter));
    for (const waiter of leaving) {
      if (waiter.timer !== null) clearTimeout(waiter.timer);
      end(waiter);
    }
  }
  return {
    wait: (seq, timeoutMs) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const late = () =>
        leave(
          (waiter) => waiter.reject === reject,
          () => reject(new ViewsUnavailable(`line ${seq} was not reached in ${timeoutMs} ms`)),
        );
      const timer = timeoutMs === Number.POSITIVE_INFINITY ? null : setTimeout(late, timeoutMs);
      waiters.push({ seq, resolve, reject, timer });
      return promise;
    },
    applied: (seq) =>
      leave(
        (waiter) => waiter.seq <= seq,
        (waiter) => waiter.resolve(),
      ),
    fail: (cause) =>
      leave(
        () => true,
        (waiter) => waiter.reject(cause),
      ),
  };
}
