/** Tests that need a Debian package: skipped by name where it is missing, an error in CI. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Daemons live here, and a user's PATH often leaves it out. */
const MORE_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Options for `test` or `describe`: run, or be skipped with the reason. */
export interface Need {
  readonly skip: string | false;
}

/** Absolute path of the program `binary`; null where no folder of PATH, nor those of daemons, has it. */
export function programPath(binary: string): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of [...folders, ...MORE_FOLDERS]) {
    const path = join(folder, binary);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return null;
}

/**
 * Whether a test that needs `binary` of the Debian package `name` can run.
 *
 * @throws Error where it is missing and `CI=true`: there, `.ci/run` installs it, and a skip would hide a fault.
 */
export function debianPackage(name: string, binary: string): Need {
  if (programPath(binary) !== null) return { skip: false };
  const reason = `the Debian package ${name} is not installed (no ${binary})`;
  if (process.env["CI"] === "true") throw new Error(`${reason}; .ci/run should have installed it`);
  return { skip: reason };
}
