/** Every YAML example of the pages about providers and routes is a configuration that loads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFault } from "../../src/config/fault.ts";
import { loadConfig } from "../../src/config/load.ts";
import { providerKinds } from "../../src/providers/catalogue.ts";
import { compileRouting } from "../../src/routing/rules/routing.ts";
import { expressionFault } from "../../src/routing/rules/expression.ts";
import { filesOf, lineOf } from "../tidy/sources.ts";

const PAGES = [
  "README.md",
  "docs/providers*.md",
  "docs/route*.md",
  "docs/route/*.md",
  "docs/govern/*.md",
];
const EXAMPLE = /^```yaml\n([^]*?)^```/gm;
const SECRET = "a-secret-of-good-length";
/** What an example leaves to the reader's own file. */
const REST: readonly (readonly [section: string, text: string])[] = [
  [
    "providers",
    `providers:
  - { id: anthropic, kind: anthropic, keys: [{ id: main, secret: env:SOME_KEY }] }
  - { id: bedrock-eu, kind: bedrock, settings: { region: eu-central-1 }, keys: [{ id: role, aws: {} }] }
  - { id: bedrock, kind: bedrock, settings: { region: us-east-1 }, keys: [{ id: role, aws: {} }] }
  - { id: openai, kind: openai, keys: [{ id: main, secret: env:SOME_KEY }] }
`,
  ],
  ["customers", "customers: [{ id: acme }]\n"],
  ["teams", "teams: [{ id: platform, customer: acme }]\n"],
];

/** The example, completed by the sections that it has not. */
function whole(example: string): string {
  const missing = REST.filter(([section]) => !new RegExp(`^${section}:`, "m").test(example));
  return example + missing.map(([, text]) => text).join("");
}

function load(text: string) {
  const names = [...text.matchAll(/env:(\w+)/g)].map(([, name = ""]) => name);
  return loadConfig({
    file: "tollgate.yaml",
    workingFolder: "/etc/tollgate",
    environment: Object.fromEntries(names.map((name) => [name, SECRET])),
    knownKinds: providerKinds(),
    readFile: (path) => (path === "tollgate.yaml" ? text : SECRET),
    expressionTrial: expressionFault,
  });
}

const EXAMPLES = filesOf(...PAGES).flatMap(({ path, text }) =>
  [...text.matchAll(EXAMPLE)].map(({ 1: example = "", index }) => ({
    name: `${path}:${lineOf(text, index)}`,
    example,
  })),
);

test("the pages have examples", () => {
  assert.ok(EXAMPLES.length >= 10, `${EXAMPLES.length}`);
});

for (const { name, example } of EXAMPLES)
  test(`the example at ${name} loads`, () => {
    const loaded = load(whole(example));
    assert.ok(loaded.ok, loaded.ok ? "" : loaded.faults.map(formatFault).join("\n"));
    compileRouting(loaded.config);
  });
