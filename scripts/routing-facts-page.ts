/** Writes docs/reference/routing-facts.md from the tables of facts and policies; --check says whether it is fresh. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { POLICY_FIELDS, POLICY_KINDS } from "../src/config/routing-config.ts";
import { MAP_FACTS, PROVIDER_FACTS, SCALAR_FACTS } from "../src/routing/rules/facts.ts";
import { POLICY_MEANINGS } from "../src/routing/rules/rule.ts";

const TARGET = fileURLToPath(new URL("../docs/reference/routing-facts.md", import.meta.url));

const HEAD = `# What rules can ask, and ready-made policies

Written from \`src/routing/rules/\` by \`node scripts/routing-facts-page.ts\`; a test keeps it current. How rules are written: [route-rules.md](../route-rules.md).

`;

/** The page as it must stand. */
export function factsPage(): string {
  const facts = Object.entries(SCALAR_FACTS).map(([name, { type, means, values }]) =>
    row(code(name), type, means + valuesOf(values)),
  );
  const maps = Object.entries(MAP_FACTS).map(([name, { type, means }]) =>
    row(code(name), code(type), means),
  );
  const providers = Object.entries(PROVIDER_FACTS).map(([name, { type, means }]) =>
    row(code(`providers.ID.${name}`), type, means),
  );
  const policies = POLICY_KINDS.map((kind) =>
    row(code(kind), POLICY_FIELDS[kind].map(code).join(", "), POLICY_MEANINGS[kind]),
  );
  const factHead = [row("fact", "type", "is"), "|---|---|---|"];
  const policyHead = [row("policy", "its fields", "what it does"), "|---|---|---|"];
  return (
    `${HEAD}## Facts\n\n${[...factHead, ...facts, ...maps, ...providers, ""].join("\n")}\n` +
    '`providers.ID` is written `providers["ID"]` where the id is no plain word.\n\n' +
    `## Policies\n\n${[...policyHead, ...policies, ""].join("\n")}\n` +
    "Every policy also takes `when`, `on_unsupported` and `fallbacks`; both conditions, its own and `when`, must hold.\n"
  );
}

function valuesOf(values: readonly string[] | undefined): string {
  return values === undefined ? "" : ` One of ${values.map(code).join(", ")}.`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

if (import.meta.main) {
  const page = factsPage();
  if (!process.argv.includes("--check")) writeFileSync(TARGET, page);
  else if (readFileSync(TARGET, "utf8") !== page) {
    process.stderr.write(
      "docs/reference/routing-facts.md is stale: run node scripts/routing-facts-page.ts\n",
    );
    process.exitCode = 1;
  }
}
