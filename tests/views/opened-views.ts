/** Opens views over a made-up journal in a folder of its own, and closes all of it after the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { DatabaseSync } from "node:sqlite";
import { openViews } from "../../src/views/views.ts";
import type { Views } from "../../src/views/views.ts";
import { writeJournal } from "./written-journal.ts";
import type { AnyRecord, WrittenJournal } from "./written-journal.ts";

export interface Folder {
  readonly dataDir: string;
  readonly journal: WrittenJournal;
  /** Messages that the views have logged. */
  readonly warnings: string[];
  readonly open: () => Promise<Views>;
}

/** A data directory with a journal of `records`; nothing is open yet. */
export function makeFolder(context: TestContext, records: readonly AnyRecord[] = []): Folder {
  const dataDir = mkdtempSync(join(tmpdir(), "tollgate-views-"));
  const journalDirectory = join(dataDir, "journal", "n00000001");
  const journal = writeJournal(journalDirectory);
  if (records.length > 0) journal.append(records);
  const opened: Views[] = [];
  const warnings: string[] = [];
  context.after(async () => {
    for (const views of opened) await views.close();
    rmSync(dataDir, { recursive: true });
  });
  async function open(): Promise<Views> {
    const log = { warn: (_fields: unknown, message: string) => void warnings.push(message) };
    const views = await openViews({ dataDir, journalDirectory, log });
    opened.push(views);
    return views;
  }
  return { dataDir, journal, warnings, open };
}

/** Opens the views of a folder and waits until all of its journal is in them. */
export async function openSynced(folder: Folder): Promise<Views> {
  const views = await folder.open();
  await views.sync(folder.journal.seq());
  return views;
}

/** Every row of every table of closed views, as text. */
export function dump(dataDir: string): string {
  const database = new DatabaseSync(join(dataDir, "views.sqlite"), { readOnly: true });
  try {
    const tables = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
    );
    const lines: string[] = [];
    for (const { name } of tables.all()) {
      const rows = database.prepare(`SELECT * FROM "${String(name)}"`);
      rows.setReadBigInts(true);
      rows.setReturnArrays(true);
      const text = (_key: string, value: unknown) =>
        typeof value === "bigint" ? `${value}` : value;
      for (const row of rows.all()) lines.push(`${String(name)} ${JSON.stringify(row, text)}`);
    }
    return lines.join("\n");
  } finally {
    database.close();
  }
}
