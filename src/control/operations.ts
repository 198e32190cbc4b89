/** What is done to a gateway as a whole: a new admin token, and the place where a backup ends. */
import { z } from "zod";
import type { BrowserSessions } from "./browser-sessions.ts";
import type { ControlPorts } from "./ports.ts";
import { timeField } from "./answer-fields.ts";
import { Problem } from "./problem.ts";
import { route, type Route } from "./route.ts";

const tokenSchema = z
  .strictObject({
    token: z
      .string()
      .describe("Shown this once; the one before, and all browsers' sessions, are void."),
  })
  .meta({ id: "AdminToken" });

const backupPointSchema = z
  .strictObject({
    node: z.string(),
    segment: z.int().describe("Number of the last segment that belongs to the backup."),
    offset: z.int().describe("Bytes of it that do."),
    seq: z.int().describe("Number of the last line; 0 where there is none."),
    hash: z.string().describe("Hex SHA-256 of that line without its newline."),
    time: timeField.nullable().describe("The latest time of all lines up to that one."),
  })
  .meta({ id: "BackupPoint" });

export type PrintedBackupPoint = z.infer<typeof backupPointSchema>;

export function operationRoutes(
  ports: Pick<ControlPorts, "resetAdminToken" | "backupPoint" | "log">,
  sessions: BrowserSessions,
): Route[] {
  return [
    route({
      method: "POST",
      path: "/api/v1/admin/reset-token",
      operation: "resetAdminToken",
      tag: "operations",
      summary: "Makes a new admin token; the old one is void at once",
      status: 200,
      answer: tokenSchema,
      problems: [409],
      handle: () => {
        const token = ports.resetAdminToken();
        if (token === null) {
          const detail =
            "The configuration sets the admin token: change admin.token, then restart.";
          throw new Problem("conflict", detail);
        }
        sessions.endAll();
        return { body: { token }, headers: { "cache-control": "no-store" } };
      },
    }),
    route({
      method: "POST",
      path: "/api/v1/backups",
      operation: "createBackup",
      tag: "operations",
      summary: "Saves and syncs everything, and names the place in the journal where a backup ends",
      status: 201,
      answer: backupPointSchema,
      problems: [503],
      handle: async () => ({ body: await printedPoint(ports) }),
    }),
  ];
}

async function printedPoint(
  ports: Pick<ControlPorts, "backupPoint" | "log">,
): Promise<PrintedBackupPoint> {
  try {
    const { node, position, time } = await ports.backupPoint();
    const { segment, offset, seq, prevHash } = position;
    return { node, segment, offset, seq, hash: prevHash, time };
  } catch (error) {
    ports.log.warn("a backup could not begin", { error: String(error) });
    throw new Problem(
      "unavailable",
      "The journal cannot be synced now: try again; the log says why.",
    );
  }
}
