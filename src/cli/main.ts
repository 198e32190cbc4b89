/** The entry of the `tollgate` command. */
import { runCommandLine } from "./program.ts";
import { endWithReader } from "./terminal.ts";

endWithReader();
process.exitCode = await runCommandLine(process.argv.slice(2), process.env);
