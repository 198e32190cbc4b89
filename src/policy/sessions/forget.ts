/** Keeps a collection bounded by letting the oldest go, many at a time. */

/** So much of the bound goes at once: looking for the oldest costs a walk over what was removed before. */
const SHARE = 0.1;

/** Once there are more than `most`, the oldest tenth of it goes; `gone` is told of each. */
export function forgetOldest(
  entries: {
    readonly size: number;
    readonly keys: () => IterableIterator<string>;
    readonly delete: (key: string) => boolean;
  },
  most: number,
  gone: (key: string) => void = () => undefined,
): void {
  if (entries.size <= most) return;
  const left = Math.floor(most * (1 - SHARE));
  for (const key of entries.keys()) {
    if (entries.size <= left) return;
    entries.delete(key);
    gone(key);
  }
}
