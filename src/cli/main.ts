/** The entry of the `tollgate` command. */
import { runCommandLine } from "./program.ts";
import { endWithReader } from "./terminal.ts";

endWithReader();
// A command that has ended must not wait for what a failure left open.
process.exit(await runCommandLine(process.argv.slice(2), process.env));
