/** The form of a virtual key's secret: how it is made, recognised and told from a typing error. */
import { crc32 } from "node:zlib";
import { BASE62, randomBase62 } from "../core/ids.ts";

const PREFIX = "vk_";
/** 43 characters of base62 carry 256 bits. */
const RANDOM_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
const GENERATED = /^vk_[A-Za-z0-9_-]{49}$/;

/** A new secret: `vk_`, 43 random characters, 6 of checksum, so that scanners recognise a leak. */
export function newSecret(): string {
  const random = PREFIX + randomBase62(RANDOM_CHARACTERS);
  return random + checksum(random);
}

/** Whether a header's value claims to be a virtual key; all others are somebody else's credential. */
export function claimsToBeKey(value: string): boolean {
  return value.startsWith(PREFIX);
}

/** True where a secret has the length of a generated one but not its checksum: probably mistyped. */
export function looksMistyped(value: string): boolean {
  if (!GENERATED.test(value)) return false;
  const end = PREFIX.length + RANDOM_CHARACTERS;
  return checksum(value.slice(0, end)) !== value.slice(end);
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let index = 0; index < CHECKSUM_CHARACTERS; index++) {
    digits = BASE62[rest % BASE62.length] + digits;
    rest = Math.floor(rest / BASE62.length);
  }
  return digits;
}
