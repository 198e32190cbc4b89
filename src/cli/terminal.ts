/** What commands print: answers on standard output, everything about them on standard error. */

/** Prints one line of an answer. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints one line about an answer, or a fault. */
export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Prints a document for programs. */
export function sayJson(document: unknown): void {
  say(JSON.stringify(document, null, 2));
}

/** A reader that has seen enough (`| head`) ends the command quietly. */
export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}
