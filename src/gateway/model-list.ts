/** Reads a provider's list of models, whatever its dialect, as a list of the Messages API. */
import { formatTime } from "../core/time.ts";
import type { ProviderRow } from "../providers/row.ts";

export interface ListedModel {
  readonly id: string;
}

/** What Anthropic's own list has besides `data` passes through. */
export interface ModelList {
  readonly data: readonly ListedModel[];
}

type Format = NonNullable<ProviderRow["modelList"]>["format"];
type Json = Readonly<Record<string, unknown>>;

/** Where a list says nothing of a model's age. */
const LONG_AGO = "1970-01-01T00:00:00Z";

/** The list in an answer's body; null where it is none. */
export function readModelList(body: Buffer, format: Format): ModelList | null {
  let list: unknown;
  try {
    list = JSON.parse(body.toString("utf8"));
  } catch {
    // No JSON, so no list: the price table answers instead.
    return null;
  }
  if (format === "anthropic") return anthropicList(list);
  // Some servers of OpenAI's dialect answer with the bare array.
  const listed = isJson(list) ? list[format === "gemini" ? "models" : "data"] : list;
  if (!Array.isArray(listed)) return null;
  const entries: readonly unknown[] = listed;
  return listOf(entries.flatMap((entry) => modelOf(entry) ?? []));
}

/** A whole list of ours. */
export function listOf(data: readonly ListedModel[]) {
  return { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}

/** A model as the Messages API lists it. */
export function listedModel(id: string, displayName = id, createdAt = LONG_AGO) {
  return { type: "model", id, display_name: displayName, created_at: createdAt };
}

function anthropicList(list: unknown): ModelList | null {
  const data = isJson(list) ? list["data"] : null;
  if (!Array.isArray(data) || !data.every(hasId)) return null;
  return { ...(list as object), data };
}

function hasId(entry: unknown): entry is ListedModel {
  return isJson(entry) && typeof entry["id"] === "string";
}

/** `id` and `created` of OpenAI's dialect, or `name` ("models/…") and `displayName` of Gemini's. */
function modelOf(entry: unknown): ListedModel | null {
  if (!isJson(entry)) return null;
  const { id, name, displayName, created } = entry;
  if (typeof id === "string") {
    const isTime = typeof created === "number" && Number.isFinite(created) && created > 0;
    return listedModel(id, id, isTime ? formatTime(created * 1000) : LONG_AGO);
  }
  if (typeof name !== "string") return null;
  const bare = name.replace(/^models\//, "");
  return listedModel(bare, typeof displayName === "string" ? displayName : bare);
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
