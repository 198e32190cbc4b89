/** What is sent to make or change an entity, as the API describes it: the fields of the file. */
import { z } from "zod";

/** The fields of a new entity, and of a change to one, under the names that descriptions give them. */
export function inputsOf(name: string, fields: z.ZodObject) {
  const patch = Object.entries(fields.shape).map(([field, schema]) => [
    field,
    patchOf(schema as z.ZodType),
  ]);
  return {
    input: fields.meta({ id: `New${name}` }),
    patch: z
      .strictObject(Object.fromEntries(patch) as Record<string, z.ZodType>)
      .meta({ id: `${name}Patch` })
      .describe("A merge patch (RFC 7396): null takes a field away, lists are replaced."),
  };
}

/** Nothing is needed, and null takes away what can be missing. */
function patchOf(schema: z.ZodType): z.ZodType {
  const inner = innerOf(schema);
  const { description } = schema;
  const patched = inner === schema ? inner : entriesOf(inner).nullable();
  return description === undefined ? patched.optional() : patched.optional().describe(description);
}

/** Without its default: what is left out of a patch stays as it is. */
function innerOf(schema: z.ZodType): z.ZodType {
  const isOpen = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
  return isOpen ? innerOf(schema.unwrap() as z.ZodType) : schema;
}

/** A map is merged entry by entry. */
function entriesOf(schema: z.ZodType): z.ZodType {
  if (!(schema instanceof z.ZodRecord)) return schema;
  return z.record(schema.keyType, (schema.valueType as z.ZodType).nullable());
}
