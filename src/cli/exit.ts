/** How commands end: exit codes, and failures that are one line. */

/** 69 and 78 are EX_UNAVAILABLE and EX_CONFIG of sysexits.h. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 69, configuration: 78 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with one line on standard error. The line says what is wrong and the remedy. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** A fault of the command line itself. */
export function usageFault(message: string): CommandFailed {
  return new CommandFailed(message, EXIT.usage);
}
