/** The few questions that the rehearsal asks of parsed JSON. */

export type JsonObject = Readonly<Record<string, unknown>>;
export type CacheTtl = "5m" | "1h";

/** True for an object that is neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How long a block's `cache_control` asks to keep it; null where it has none. */
export function readCacheTtl(block: JsonObject): CacheTtl | null {
  const marker = block["cache_control"];
  if (!isObject(marker)) return null;
  return marker["ttl"] === "1h" ? "1h" : "5m";
}

/** The text of a block's or tool result's content: a string, or its text blocks joined by lines. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts = content.map((block: unknown) => (isObject(block) ? block["text"] : null));
  return texts.filter((text) => typeof text === "string").join("\n");
}
