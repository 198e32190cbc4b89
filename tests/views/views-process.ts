/** A process that folds a journal until it is killed: `node views-process.ts DATA_DIR JOURNAL SEQ`. */
import { openViews } from "../../src/views/views.ts";

const [dataDir = "", journalDirectory = "", seq = "0"] = process.argv.slice(2);
const log = { warn: (_fields: unknown, message: string) => void process.stderr.write(message) };
const views = await openViews({ dataDir, journalDirectory, log });
views.notify(Number(seq));
// It tells where it is until it is killed.
setInterval(() => process.stdout.write(`${views.status().appliedSeq}\n`), 2);
