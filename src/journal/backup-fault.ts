/** Why a backup was not made or not restored. */

/** The message is one sentence for people: what is wrong, and the remedy. */
export class BackupFault extends Error {
  override readonly name = "BackupFault";
}
