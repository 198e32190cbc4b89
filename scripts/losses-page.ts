/** Writes docs/reference/losses.md from the translators; with --check only says whether it is fresh. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TRANSLATORS } from "../src/providers/doors.ts";
import type { Loss } from "../src/wire/egress.ts";

const TARGET = fileURLToPath(new URL("../docs/reference/losses.md", import.meta.url));

const HEAD = `# What translation loses

Written from the translators (\`losses\` in \`src/wire/*/losses.ts\`) by \`node scripts/losses-page.ts\`; a test keeps it current. Which provider speaks
which format: [providers.md](providers.md). What has been tested of each door: [doors.md](doors.md).

Requests are read as Anthropic's Messages API. Each format has a list of what it can lose on the way to the provider, or of the answer on the way back;
a request loses only what it had, and some lines hold only where a server's quirks or a model's name say so.

- A **hint** changes no meaning: a cache marker, a signature that only its own provider can read, an id for attribution. It is left out always.
- **Content** is left out only where the route says \`on_unsupported: drop\`. Otherwise the target is not asked: another target of the route is, and where
  none can carry it the client gets a sentence that names the field.

What was left out stands in the answer's header \`tollgate-dropped: field,…\` and in the row of the attempt (\`dropped\`).

Formats whose bodies are the client's own (\`anthropic-messages\`, \`vertex-anthropic\`, \`bedrock-invoke\`) have no table. What they leave out:

- values of \`anthropic-beta\` that a cloud does not know, since it refuses the whole request for one of them; Anthropic and Claude Platform on AWS get all;
- thinking that another provider gave, where a conversation has moved to Claude: Anthropic refuses signatures that it did not make.

Names of tools that are longer than 64 characters are shortened on the way to the four formats below, and are the client's own again in the answer.

`;

type Format = keyof typeof TRANSLATORS;

const FORMATS = Object.keys(TRANSLATORS) as Format[];

/** The page as it must stand. */
export function lossesPage(): string {
  return HEAD + overview() + FORMATS.map(sectionOf).join("");
}

/** Every field that any format can lose. */
function overview(): string {
  const fields = [...new Set(FORMATS.flatMap((format) => lossesOf(format).map(nameOf)))];
  const rows = fields
    .toSorted()
    .map((field) => [code(field), ...FORMATS.map((format) => weightOf(format, field))]);
  return `## At a glance\n\n${table(["field", ...FORMATS.map(code)], rows)}\n`;
}

function weightOf(format: Format, field: string): string {
  return lossesOf(format).find((loss) => nameOf(loss) === field)?.weight ?? "";
}

function sectionOf(format: Format): string {
  const rows = lossesOf(format).map((loss) => [code(nameOf(loss)), loss.weight, loss.note]);
  return `## ${format}\n\n${table(["field", "weight", "what happens"], rows)}\n`;
}

function lossesOf(format: Format): readonly Loss[] {
  return TRANSLATORS[format].losses;
}

/** The line of all fields without one of their own has the same name everywhere. */
function nameOf({ field }: Loss): string {
  return field === "*" ? "(any other field)" : field;
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => (cell === "" ? " " : cell)).join(" | ")} |`;
  return [row(head), `|${"---|".repeat(head.length)}`, ...rows.map(row), ""].join("\n");
}

if (import.meta.main) {
  const page = lossesPage();
  if (!process.argv.includes("--check")) writeFileSync(TARGET, page);
  else if (readFileSync(TARGET, "utf8") !== page) {
    process.stderr.write("docs/reference/losses.md is stale: run node scripts/losses-page.ts\n");
    process.exitCode = 1;
  }
}
