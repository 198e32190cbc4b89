/** Who asks, in the two fields that the Responses API has for it: abuse detection and cache routing. */
import { createHash } from "node:crypto";
import { isObject, parseJson } from "../anthropic/value.ts";

/** Both fields take 64 characters (openai-node of 2026-08-21, ResponseCreateParams). */
const ID_MAX = 64;

interface UserFields {
  readonly safety_identifier: string;
  readonly prompt_cache_key?: string;
}

/**
 * The fields of a `metadata.user_id`. Claude Code's is a JSON text with account, device and session: the
 * user is the hash of the first two, so that no session changes it; the session names the cache.
 */
export function userFields(userId: string): UserFields {
  const user = userId.startsWith("{") ? parseJson(userId) : null;
  if (!isObject(user)) return { safety_identifier: bounded(userId) };
  const { account_uuid: account, device_id: device, session_id: session } = user;
  const identifier = hash(JSON.stringify([account ?? null, device ?? null]));
  if (typeof session !== "string" || session === "") return { safety_identifier: identifier };
  return { safety_identifier: identifier, prompt_cache_key: bounded(session) };
}

function bounded(id: string): string {
  return id.length <= ID_MAX ? id : hash(id);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
