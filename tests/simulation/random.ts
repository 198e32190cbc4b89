/** Named streams of random numbers, and the distributions that traffic is drawn from. */
import { seededRandom } from "../journal/random.ts";
import type { Quantiles, Spread } from "./parameters.ts";

/** Numbers from 0 (included) to 1, the same for the same name. */
export type Stream = () => number;

/** The stream of this name: what is drawn from one never changes what another gives. */
export function streamOf(...name: readonly (string | number)[]): Stream {
  let hash = 0x811c9dc5;
  for (const character of name.join("/")) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  // Names that differ in their last character alone would start close to each other.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return seededRandom(hash ^ (hash >>> 16));
}

/** A normal deviate with mean 0 and deviation 1 (Box and Muller). */
function normal(stream: Stream): number {
  const radius = Math.sqrt(-2 * Math.log(1 - stream()));
  return radius * Math.cos(2 * Math.PI * stream());
}

export function logNormal(stream: Stream, { median, sigma }: Spread): number {
  return median * Math.exp(sigma * normal(stream));
}

/** A Poisson deviate, by multiplication: for small means. */
export function poisson(stream: Stream, mean: number): number {
  const end = Math.exp(-mean);
  let count = 0;
  for (let product = stream(); product > end; product *= stream()) count++;
  return count;
}

/** One of several, by share; the shares sum to 1. */
export function pick<Value>(
  stream: Stream,
  shares: readonly (readonly [value: Value, share: number])[],
): Value {
  const [first, ...rest] = shares;
  if (first === undefined) throw new Error("there is something to pick from");
  let left = stream() - first[1];
  let picked = first[0];
  for (const [value, share] of rest) {
    if (left < 0) break;
    picked = value;
    left -= share;
  }
  return picked;
}

/** A value by its quantiles, logarithms interpolated between them. */
export function byQuantiles(stream: Stream, quantiles: Quantiles): number {
  const share = stream();
  const above = quantiles.findIndex(([, upTo]) => upTo >= share);
  const high = quantiles[above] ?? quantiles.at(-1);
  const low = quantiles[above - 1] ?? high;
  if (high === undefined || low === undefined) throw new Error("there are quantiles");
  const width = high[1] - low[1];
  const part = width === 0 ? 1 : (share - low[1]) / width;
  return Math.exp(Math.log(low[0]) + part * (Math.log(high[0]) - Math.log(low[0])));
}
