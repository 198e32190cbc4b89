/** Tells on standard error what is being measured: the table comes minutes later. */

export function progress(what: string): void {
  console.error(`… ${what}`);
}
