/** Answers that tell a virtual key's secret: once, and never again. */
import { z } from "zod";
import { locationOf, notThere, type Noun, type Shown } from "./entity-changes.ts";
import { printVirtualKey, virtualKeyFields } from "./entity-fields.ts";
import { entityTag } from "./entity-tag.ts";
import { printKeyRows } from "./key-csv.ts";
import type { ControlPorts, KeyView, KeyWithSecret } from "./ports.ts";
import type { RawCall, Reply } from "./route.ts";

type Clocked = Pick<ControlPorts, "clock">;

interface Parts extends Clocked, Pick<ControlPorts, "keys"> {
  readonly noun: Noun;
}

/** A key with its secret; null where it cannot be told again. */
interface ToldKey extends Pick<KeyWithSecret, "key"> {
  readonly secret: string | null;
}

export const withSecret = virtualKeyFields
  .extend({
    secret: z
      .string()
      .nullable()
      .describe("Shown once, here. Null in the answer to a repeat after a restart."),
    note: z.string().optional().describe("Where secret is null: why, and how to get a new one."),
  })
  .meta({ id: "VirtualKeyWithSecret" });

/** A key as all answers show it. */
export function shownKey(view: KeyView, { clock }: Clocked): Shown {
  const body = printVirtualKey(view, clock.wallMs());
  return { body, etag: entityTag(body) };
}

/** A key that an earlier call made or rotated: its secret is stored nowhere. */
export function untold(id: string, { keys, noun }: Parts): ToldKey {
  const key = keys.get(id);
  if (key === null) throw notThere(noun, id);
  return { key, secret: null };
}

export function withSecretOf({ key, secret }: ToldKey, ports: Parts): Shown {
  const { body, etag } = shownKey(key, ports);
  if (secret !== null) return { body: { ...body, secret }, etag };
  const rotate = `POST ${locationOf(ports.noun, key.key.id)}/rotate`;
  const note = `A call with this Idempotency-Key was carried out before; the secret was told then and is stored nowhere: ${rotate} gives a new one.`;
  return { body: { ...body, secret, note }, etag };
}

/** Many keys; as CSV where that is what is accepted. */
export function listReply(made: readonly ToldKey[], call: RawCall, parts: Parts): Reply {
  if (String(call.headers["accept"] ?? "").startsWith("text/csv")) {
    const headers = { "content-type": "text/csv; charset=utf-8" };
    const keys = made.map(({ key, secret }) => ({ ...key.key, secret: secret ?? "" }));
    return { body: printKeyRows(keys), headers };
  }
  const data = made.map((each) => withSecretOf(each, parts).body);
  return { body: { data, next_cursor: null } };
}
