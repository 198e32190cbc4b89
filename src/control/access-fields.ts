/** `access` of an entity with the field names of the file. */
import { z } from "zod";
import {
  ACCESS_LISTS,
  type AccessConfig,
  type AccessListName,
  DAYS,
  type HoursConfig,
} from "../config/access-config.ts";

const listFields = z
  .strictObject({
    allow: z.array(z.string()).optional().describe("Only these; without it all."),
    deny: z.array(z.string()),
  })
  .meta({ id: "AccessListOfEntity" });

const stretchFields = z
  .strictObject({ days: z.array(z.enum(DAYS)), from: z.string(), to: z.string() })
  .meta({ id: "AccessHoursOfEntity" });

const lists = Object.fromEntries(ACCESS_LISTS.map((name) => [name, listFields.optional()])) as {
  readonly [Name in AccessListName]: z.ZodOptional<typeof listFields>;
};

export const accessFields = z
  .strictObject({
    ...lists,
    hours: z
      .strictObject({
        time_zone: z.string(),
        allow: z.array(stretchFields).optional().describe("Only then; without it at any time."),
        deny: z.array(stretchFields),
      })
      .optional(),
  })
  .meta({ id: "AccessOfEntity" });

export function printAccess(access: AccessConfig | null): z.infer<typeof accessFields> | null {
  if (access === null) return null;
  const printed = Object.entries(access.lists).map(([name, { allow, deny }]) => [
    name,
    { ...(allow === null ? {} : { allow: [...allow] }), deny: [...deny] },
  ]);
  const { hours } = access;
  return {
    ...(Object.fromEntries(printed) as z.infer<typeof accessFields>),
    ...(hours === null ? {} : { hours: hoursOf(hours) }),
  };
}

function hoursOf({ timeZone, allow, deny }: NonNullable<AccessConfig["hours"]>) {
  const all = (list: readonly HoursConfig[]) => list.map(stretchOf);
  return {
    time_zone: timeZone,
    ...(allow === null ? {} : { allow: all(allow) }),
    deny: all(deny),
  };
}

function stretchOf({ days, fromMinute, toMinute }: HoursConfig) {
  return { days: [...days], from: clockText(fromMinute), to: clockText(toMinute) };
}

function clockText(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
