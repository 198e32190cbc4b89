/** Makes what a scope allows of a faultless file. */
import { ACCESS_LISTS, type AccessConfig, DAYS, type HoursConfig } from "./access-config.ts";
import type { FileAccess } from "./access-schema.ts";

type FileHours = NonNullable<FileAccess["hours"]>;
type FileStretch = NonNullable<FileHours["deny"]>[number];

/** Null where the scope says nothing. @param zone The file's. */
export function accessOf(file: FileAccess | undefined, zone: string): AccessConfig | null {
  if (file === undefined) return null;
  const lists = ACCESS_LISTS.flatMap((name) => {
    const list = file[name];
    if (list === undefined || (list.allow === undefined && (list.deny ?? []).length === 0))
      return [];
    return [[name, { allow: list.allow ?? null, deny: list.deny ?? [] }] as const];
  });
  const hours = file.hours === undefined ? null : hoursOf(file.hours, zone);
  return lists.length === 0 && hours === null ? null : { lists: Object.fromEntries(lists), hours };
}

function hoursOf({ time_zone: timeZone, allow, deny = [] }: FileHours, zone: string) {
  if (allow === undefined && deny.length === 0) return null;
  return {
    timeZone: timeZone ?? zone,
    allow: allow?.map(stretchOf) ?? null,
    deny: deny.map(stretchOf),
  };
}

function stretchOf({ days, from, to }: FileStretch): HoursConfig {
  return { days: days ?? DAYS, fromMinute: minuteOf(from), toMinute: minuteOf(to) };
}

function minuteOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}
