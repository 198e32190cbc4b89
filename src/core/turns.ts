/** Steps that must not overlap, one after another. */

/** Runs `step` after all steps that were given before it, whether those failed or not. */
export type InTurn = <Result>(step: () => Promise<Result>) => Promise<Result>;

/** A queue of its own: its steps wait for each other, and for no other queue's. */
export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const result = last.then(step);
    last = result.catch(() => undefined);
    return result;
  };
}
