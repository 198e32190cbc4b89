/** Writes docs/reference/providers.md from the catalogue; with --check only says whether it is fresh. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { printedKinds, type PrintedKind } from "../src/control/provider-kinds.ts";

const TARGET = fileURLToPath(new URL("../docs/reference/providers.md", import.meta.url));

const HEAD = `# Providers

Written from the catalogue (\`src/providers/rows/\`) by \`node scripts/providers-page.ts\`; a test keeps it current. How a provider is configured:
[providers.md](../providers.md). The same facts: \`tollgate providers KIND\`, \`GET /api/v1/provider-kinds\`.

`;

/** The page as it must stand. */
export function providersPage(): string {
  const kinds = printedKinds();
  return HEAD + capabilityTable(kinds) + doorTable(kinds) + kinds.map(sectionOf).join("");
}

function capabilityTable(kinds: readonly PrintedKind[]): string {
  const has = (is: boolean): string => (is ? "yes" : " ");
  const rows = kinds.map(({ kind, title, capabilities: can }) =>
    row([
      `[\`${kind}\`](#${kind})`,
      title,
      has(can.tools),
      has(can.thinking),
      can.caching,
      has(can.vision),
      has(can.documents),
      has(can.structured_output),
    ]),
  );
  const head = ["kind", "provider", "tools", "thinking", "caching", "images", "documents", "JSON"];
  return `## What they can\n\n${table(head, rows)}\n`;
}

function doorTable(kinds: readonly PrintedKind[]): string {
  const formats = [...new Set(kinds.flatMap(({ doors }) => doors.map(({ format }) => format)))];
  const rows = formats.map((format) => {
    const speakers = kinds.filter(({ doors }) => doors.some((door) => door.format === format));
    return row([`\`${format}\``, speakers.map(({ kind }) => `\`${kind}\``).join(", ")]);
  });
  return `## Who speaks which format\n\n${table(["format", "kinds"], rows)}\n`;
}

function sectionOf(kind: PrintedKind): string {
  const { capabilities, settings, models, quirks } = kind;
  const optional = settings.known.filter((name) => !settings.needed.includes(name));
  const facts = [
    ["base URL", kind.base_url === null ? "`base_url` in the file" : code(kind.base_url)],
    ["settings", settings.needed.map(code).join(", ")],
    ["may set", optional.map(code).join(", ")],
    ["signs in by", kind.authentication.map(code).join(", ")],
    ["keys", kind.keys_needed ? "needed" : "not needed"],
    ["`max_tokens`", capabilities.max_tokens_includes_thinking ? "" : "bounds no thinking"],
    ["an image", `at most ${capabilities.image_tokens_max} tokens`],
    ["quirks", quirks.map(({ meaning }) => meaning).join("; ")],
    ["prices", kind.price_source ?? "none are listed"],
    ["checked", `${kind.checked_on}: ${kind.source}`],
  ].flatMap(([name = "", value = ""]) => (value === "" ? [] : [row([name, value])]));
  const doors = kind.doors.map((door) =>
    row([code(door.id), door.format, globs(door.models), code(door.path), counting(door)]),
  );
  const names = models.map(({ id, aliases }) => row([code(id), aliases.map(code).join(", ")]));
  return (
    `## ${kind.kind}\n\n${table([kind.title, ""], facts)}\n` +
    `${table(["door", "format", "models", "path", "counts tokens"], doors)}\n` +
    (names.length === 0 ? "" : `${table(["model", "also asked for as"], names)}\n`)
  );
}

function globs(models: readonly string[] | null): string {
  if (models === null) return "all";
  return models.length === 0 ? "where the file names the door" : models.map(code).join(" ");
}

function counting(door: PrintedKind["doors"][number]): string {
  return door.count_path === null ? " " : "yes";
}

function code(text: string): string {
  return `\`${text}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => (cell === "" ? " " : cell)).join(" | ")} |`;
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [row(head), `|${"---|".repeat(head.length)}`, ...rows, ""].join("\n");
}

if (import.meta.main) {
  const page = providersPage();
  if (!process.argv.includes("--check")) writeFileSync(TARGET, page);
  else if (readFileSync(TARGET, "utf8") !== page) {
    process.stderr.write(
      "docs/reference/providers.md is stale: run node scripts/providers-page.ts\n",
    );
    process.exitCode = 1;
  }
}
