/** What the lists of packages promise: the same versions everywhere, and no surprises while installing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesOf } from "./sources.ts";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly resolved?: string; readonly hasInstallScript?: boolean }>
  >;
}

test("every package is pinned to one version", () => {
  const faults = filesOf("package.json", "tests/*/package.json").flatMap(({ path, text }) => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text) as Manifest;
    return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
      .map(([name, version]) => `${path}: ${name} ${version}`);
  });
  assert.deepEqual(faults, []);
});

test("no lock file names a registry, and no package runs a script while it is installed", () => {
  const faults = filesOf("package-lock.json", "tests/*/package-lock.json").flatMap((file) =>
    Object.entries((JSON.parse(file.text) as LockFile).packages)
      .filter(([, { resolved, hasInstallScript }]) => resolved !== undefined || hasInstallScript)
      .map(([name]) => `${file.path}: ${name}`),
  );
  assert.deepEqual(faults, []);
});
