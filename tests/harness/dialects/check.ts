/** Small checks of a request's body, each of which refuses in a sentence. */

export type Json = Readonly<Record<string, unknown>>;

/** What the real API would answer with 400. */
export class Refused extends Error {}

/** Refuses unless `claim` holds. */
export function demand(claim: boolean, sentence: string): void {
  if (!claim) throw new Refused(sentence);
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A field of a body that has passed its checks: a string, or nothing. */
export function stringOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function objectAt(value: unknown, where: string): Json {
  if (!isObject(value)) throw new Refused(`${where}: an object is expected`);
  return value;
}

export function listAt(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Refused(`${where}: a list is expected`);
  return value as readonly unknown[];
}

/** A list's objects; an absent list is empty. */
export function objectsAt(value: unknown, where: string): readonly Json[] {
  if (value === undefined) return [];
  return listAt(value, where).map((each, index) => objectAt(each, `${where}[${index}]`));
}

export function textAt(value: unknown, where: string): string {
  if (typeof value !== "string") throw new Refused(`${where}: a string is expected`);
  return value;
}

export function countAt(value: unknown, where: string, least = 1): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least)
    throw new Refused(`${where}: an integer of at least ${least} is expected`);
  return value;
}

/** Refuses fields that the API does not know. */
export function only(value: Json, names: string, where: string): void {
  const known = names.split(" ");
  for (const name of Object.keys(value))
    demand(known.includes(name), `Unknown parameter: '${where}${name}'.`);
}

/** Refuses unless exactly one of the fields is there; gives its name. */
export function oneOf(value: Json, names: string, where: string): string {
  const found = names.split(" ").filter((name) => value[name] !== undefined);
  demand(
    found.length === 1,
    `${where}: exactly one of ${names} is expected, not [${found.join()}]`,
  );
  return found[0] ?? "";
}

export function within(value: unknown, values: string, where: string): string {
  const text = textAt(value, where);
  demand(values.split(" ").includes(text), `${where}: ${text} is none of ${values}`);
  return text;
}

/** A JSON Schema of a tool's input. */
export function schemaAt(value: unknown, where: string): void {
  const schema = objectAt(value, where);
  demand(schema["type"] === "object", `${where}: a schema of type object is expected`);
}

/** Base64 that is not empty. */
export function base64At(value: unknown, where: string): string {
  const text = textAt(value, where);
  demand(/^[A-Za-z0-9+/]+={0,2}$/.test(text), `${where}: base64 is expected`);
  return text;
}

/** A picture in a URL: its data, or an address of https. */
export function pictureUrlAt(value: unknown, where: string): void {
  const url = textAt(value, where);
  const isKnown = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/.test(url);
  demand(isKnown || url.startsWith("https://"), `${where}: no picture`);
}

/** Each call is answered by exactly one result, and no result is of anything else. */
export function pairUp(calls: readonly string[], results: readonly string[], where: string): void {
  demand(new Set(calls).size === calls.length, `${where}: two calls share an id`);
  const missing = calls.filter((id) => !results.includes(id));
  demand(missing.length === 0, `${where}: no output was found for the calls ${missing.join()}`);
  const stray = results.filter((id) => !calls.includes(id));
  demand(stray.length === 0, `${where}: no call was found for the outputs ${stray.join()}`);
  demand(new Set(results).size === results.length, `${where}: two outputs of one call`);
}
