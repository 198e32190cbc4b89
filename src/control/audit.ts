/** The journal as its readers may follow it: its head, and its records in order. */
import { z } from "zod";
import { readLines } from "./journal-lines.ts";
import { cursor, invalidCursor, limitOf, listOf } from "./parameters.ts";
import type { ControlPorts } from "./ports.ts";
import { route, type Route } from "./route.ts";

const SEQ = /^[1-9]\d{0,15}$/;

const checkpointSchema = z.strictObject({
  node: z.string(),
  seq: z.int().describe("Number of the last line; 0 where there is none."),
  hash: z.string().describe("Hex SHA-256 of that line without its newline."),
  time: z.string().nullable(),
});

const recordSchema = z
  .object({ seq: z.int(), time: z.string(), type: z.string(), prev: z.string() })
  .catchall(z.unknown());

const query = z.strictObject({
  limit: limitOf(100),
  cursor,
  from_seq: z
    .string()
    .regex(SEQ, { error: "is not the number of a line: write 1 or more" })
    .transform(Number)
    .optional()
    .describe("Number of the first line; the first kept one where it is missing."),
});

export function auditRoutes(ports: Pick<ControlPorts, "head" | "journalDirectory">): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/v1/audit/checkpoint",
      tag: "audit",
      summary: "The last line of the journal",
      status: 200,
      answer: checkpointSchema,
      handle: () => {
        const { node, seq, hash, time } = ports.head();
        return { body: { node, seq, hash, time } };
      },
    }),
    route({
      method: "GET",
      path: "/api/v1/audit/records",
      tag: "audit",
      summary: "Records of the journal in their order",
      query,
      status: 200,
      answer: listOf(recordSchema),
      handle: async ({ query: asked }) => {
        const fromSeq = asked.cursor === undefined ? asked.from_seq : seqAt(asked.cursor);
        const { limit } = asked;
        const data = await readLines(ports.journalDirectory, {
          fromSeq: fromSeq ?? 1,
          untilSeq: ports.head().seq,
          limit,
        });
        const last = data.at(-1)?.seq;
        const isMore = last !== undefined && last < ports.head().seq && data.length === limit;
        return { body: { data, next_cursor: isMore ? String(last + 1) : null } };
      },
    }),
  ];
}

function seqAt(given: string): number {
  if (!SEQ.test(given)) throw invalidCursor(given);
  return Number(given);
}
