/** Compiles the body scanner to WebAssembly: writes the committed constant, or checks it (`--check`). */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const ROOT = new URL("../../", import.meta.url);
const TARGET = fileURLToPath(new URL("src/wire/scanner-wasm.ts", ROOT));

/** The compiler asks for `.ts`; the sources are `.as`, so that no TypeScript tool takes them for its own. */
function readSource(name: string): string | null {
  for (const path of [name, name.replace(/\.ts$/, ".as")]) {
    try {
      return readFileSync(new URL(path, ROOT), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return null;
}

/** The text of `src/wire/scanner-wasm.ts` as the sources in this folder make it. */
export async function compileScanner(): Promise<string> {
  let binary: Uint8Array | null = null;
  let complaints = "";
  const { error } = await asc.main(
    [
      "scripts/wasm/scanner.ts",
      "--outFile=scanner.wasm",
      "--runtime=stub",
      "--enable=simd",
      "-O3",
      "--converge",
      "--noAssert",
      "--initialMemory=40",
    ],
    {
      readFile: readSource,
      stderr: {
        write: (text) => {
          complaints += String(text);
        },
      },
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === null)
    throw new Error(`the scanner does not compile\n${complaints}`);
  const base64 = Buffer.from(binary).toString("base64");
  return [
    "/** The body scanner, compiled from scripts/wasm by scripts/wasm/build.ts. Never edited by hand. */",
    "export const SCANNER_WASM_BASE64 =",
    `  "${base64}";`,
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await compileScanner();
  if (!process.argv.includes("--check")) writeFileSync(TARGET, text);
  else if (readFileSync(TARGET, "utf8") !== text) {
    process.stderr.write(
      "src/wire/scanner-wasm.ts is not what scripts/wasm compiles to: run scripts/wasm/build.ts\n",
    );
    process.exitCode = 1;
  }
}
