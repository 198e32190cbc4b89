/** The journal as its readers may follow it: its head, and its records in order. */
import { z } from "zod";
import type { JournalRecord } from "../journal/record.ts";
import { readLines } from "./journal-lines.ts";
import { listOf, timeField } from "./answer-fields.ts";
import { cursor, invalidCursor, limitOf, wholeNumber } from "./parameters.ts";
import type { ControlPorts } from "./ports.ts";
import { route, type Route } from "./route.ts";

const SEQ = /^[1-9]\d{0,15}$/;

const hashField = z.string().regex(/^[0-9a-f]{64}$/);

const checkpointSchema = z
  .strictObject({
    node: z.string(),
    seq: z.int().describe("Number of the last line; 0 where there is none."),
    hash: hashField.describe("Hex SHA-256 of that line without its newline."),
    time: timeField.nullable(),
  })
  .meta({ id: "Checkpoint" });

/** All types of lines; the compiler sees that none is missing. */
const TYPES: Readonly<Record<JournalRecord["type"], true>> = {
  admit: true,
  release: true,
  settle: true,
  refuse: true,
  cancel: true,
  correction: true,
  overrun: true,
  cap_lowered: true,
  gap: true,
  admin_change: true,
  config: true,
  session_closed: true,
  finding: true,
  retired: true,
};

const recordSchema = z
  .object({
    seq: z.int().describe("Number of the line, from 1."),
    time: timeField,
    type: z.enum(Object.keys(TYPES) as [JournalRecord["type"]]),
    prev: hashField.describe("Hex SHA-256 of the line before, without its newline."),
  })
  .catchall(z.unknown())
  .meta({ id: "JournalRecord" })
  .describe("Besides these, the fields of its type.");

const query = z.strictObject({
  limit: limitOf(100),
  cursor,
  from_seq: wholeNumber({
    maximum: Number.MAX_SAFE_INTEGER,
    error: "is not the number of a line: write 1 or more",
  })
    .optional()
    .describe("Number of the first line; the first kept one where it is missing."),
});

export function auditRoutes(ports: Pick<ControlPorts, "head" | "journalDirectory">): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/v1/audit/checkpoint",
      operation: "getCheckpoint",
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
      operation: "listRecords",
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
