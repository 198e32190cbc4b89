/** How a conversation begins: what stays the same in all its requests, and tells it from others. */
import { hash } from "node:crypto";
import type { ByteRange, MessagesBody } from "./body.ts";
import { eachElement, memberOf } from "./elements.ts";

/** An opening that has not ended by then is not looked for: the work has a bound. */
const SEARCHED_BYTES_MAX = 128 * 1024;
/** So much of its end is hashed; its length is part of the digest. */
const HASHED_BYTES = 8 * 1024;
const DIGEST_CHARACTERS = 22;
const ASSISTANT = '"assistant"';
/** Ids and signatures that a model's answer has of its own: no other conversation has the same. */
const DISTINCTIVE = ['"tool_use"', '"signature"'];

/** Everything up to the end of the first answer. */
export interface Opening {
  readonly digest: string;
  /** No other conversation can begin so by chance. */
  readonly isDistinctive: boolean;
}

/**
 * The opening of a scanned body's conversation; null where it has no answer yet, or one too far in.
 *
 * @param salt Whose conversation it is: the same words of others have another digest.
 */
export function openingOf(
  body: MessagesBody,
  chunks: readonly Buffer[],
  salt: string,
): Opening | null {
  const range = body.fields.messages;
  if (range === undefined) return null;
  const end = Math.min(range.end, range.start + SEARCHED_BYTES_MAX);
  const bytes = bytesOf(chunks, range.start, end);
  if (!bytes.includes(ASSISTANT)) return null;
  const answer = firstAnswer(bytes, end < range.end);
  if (answer === null) return null;
  const start = Math.max(0, answer.end - HASHED_BYTES);
  const text = `${salt} ${answer.end} ${bytes.toString("latin1", start, answer.end)}`;
  const own = bytes.subarray(answer.start, answer.end);
  return {
    digest: hash("sha256", text, "base64url").slice(0, DIGEST_CHARACTERS),
    isDistinctive: DISTINCTIVE.some((word) => own.includes(word)),
  };
}

function firstAnswer(bytes: Buffer, isCut: boolean): ByteRange | null {
  try {
    for (const message of eachElement(bytes, { start: 0, end: bytes.length })) {
      if (isCut && message.end >= bytes.length) return null;
      if (bytes[message.start] !== OBJECT) continue;
      const role = memberOf(bytes, message, "role");
      if (role !== null && bytes.toString("latin1", role.start, role.end) === ASSISTANT)
        return message;
    }
    return null;
  } catch (error) {
    // A string goes on behind the cut.
    if (isCut && error instanceof RangeError) return null;
    throw error;
  }
}

const OBJECT = 0x7b;

function bytesOf(chunks: readonly Buffer[], start: number, end: number): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const chunk of chunks) {
    if (at >= end) break;
    if (at + chunk.length > start)
      parts.push(chunk.subarray(Math.max(0, start - at), Math.min(chunk.length, end - at)));
    at += chunk.length;
  }
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}
