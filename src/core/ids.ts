/** Identifiers that cannot be mistaken for each other, and how new ones are made. */
import { randomFillSync } from "node:crypto";

export type CustomerId = string & { readonly id: "customer" };
export type TeamId = string & { readonly id: "team" };
export type OwnerId = string & { readonly id: "owner" };
export type VirtualKeyId = string & { readonly id: "virtual-key" };
export type ProviderId = string & { readonly id: "provider" };
/** `req_` and 24 base62 characters; sorts by time of creation to the millisecond. */
export type RequestId = string & { readonly id: "request" };

export const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const TIME_CHARACTERS = 8;
const RANDOM_CHARACTERS = 16;
const POOL_BYTES = 4096;
/** Bytes from here on would favour the first characters of the alphabet. */
const UNBIASED = 248;

const pool = Buffer.alloc(POOL_BYTES);
let poolOffset = POOL_BYTES;

/** `length` characters of base62, uniformly drawn from the system's secure random source. */
export function randomBase62(length: number): string {
  let text = "";
  while (text.length < length) {
    if (poolOffset === POOL_BYTES) {
      randomFillSync(pool);
      poolOffset = 0;
    }
    const byte = pool[poolOffset++] ?? UNBIASED;
    if (byte < UNBIASED) text += BASE62[byte % BASE62.length];
  }
  return text;
}

/** A new request id for a request that arrived at `timeMs` (Unix milliseconds). */
export function newRequestId(timeMs: number): RequestId {
  let head = "";
  let rest = timeMs;
  for (let index = 0; index < TIME_CHARACTERS; index++) {
    head = BASE62[rest % BASE62.length] + head;
    rest = Math.floor(rest / BASE62.length);
  }
  return `req_${head}${randomBase62(RANDOM_CHARACTERS)}` as RequestId;
}
