/** Entity tags: a change is made only to what its author has seen. */
import { hash } from "node:crypto";
import { Problem } from "./problem.ts";
import type { RawCall } from "./route.ts";

const DIGEST_CHARACTERS = 32;

/** The strong tag of an entity's representation. */
export function entityTag(representation: unknown): string {
  return `"${hash("sha256", JSON.stringify(representation)).slice(0, DIGEST_CHARACTERS)}"`;
}

/**
 * Lets a call pass whose `If-Match` is missing, `*`, or names the entity's tag as it is now.
 *
 * @throws Problem 412 where it names another one.
 */
export function checkIfMatch(call: Pick<RawCall, "headers">, current: string): void {
  const header = call.headers["if-match"];
  if (header === undefined) return;
  const wanted = new Set(
    String(header)
      .split(",")
      .map((tag) => tag.trim()),
  );
  if (wanted.has("*") || wanted.has(current)) return;
  const detail = "It was changed since it was read: read it again, then repeat the change.";
  throw new Problem("changed", detail, { parameter: "If-Match", headers: { etag: current } });
}
