/** Keys from CSV: what a line becomes, and how each fault finds back to line and column. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { printKeyRows, readKeyRows, rowFaults } from "./key-csv.ts";

/** Faults as "line column: message"; none where the text can be read. */
function faultsOf(text: string): string[] {
  const read = readKeyRows(text);
  if ("rows" in read) return [];
  return read.faults.map(({ line, column, message }) => `${line} ${column}: ${message}`);
}

test("a line becomes the fields of the file, columns in any order, empty values left out", () => {
  const read = readKeyRows(
    [
      "team,id,label:cost_center,budget,models,provider,name,owner,expires",
      'platform,ada,4711,"30/day; 250/month@Europe/Berlin;5/5h",claude-*;gpt-*,first;second,Ada,a@b,2027-01-01T00:00:00Z',
      "platform,bob,,,,,,,",
    ].join("\n"),
  );
  assert.ok("rows" in read);
  const models = ["claude-*", "gpt-*"];
  assert.deepEqual(read.rows, [
    {
      line: 2,
      fields: {
        id: "ada",
        team: "platform",
        name: "Ada",
        owner: "a@b",
        expires: "2027-01-01T00:00:00Z",
        labels: { cost_center: "4711" },
        budgets: [
          { usd: "30", per: "day" },
          { usd: "250", per: "month", time_zone: "Europe/Berlin" },
          { usd: "5", rolling: "5h" },
        ],
        providers: [
          { id: "first", models },
          { id: "second", models },
        ],
      },
    },
    { line: 3, fields: { id: "bob", team: "platform" } },
  ]);
});

test("faults of form are told all at once, by line and column", () => {
  assert.deepEqual(faultsOf("id,team,budget,models\na,t,30,\na,t,,claude-*\nb,t"), [
    "2 budget: 30 is no budget: write USD/PERIOD, such as 30/day, 250/month@Europe/Berlin, 10/session or 5/5h",
    "3 models: models are of a provider: name it in the column provider",
    "4 null: this line has 2 values, the header 4",
    "3 id: the same id is at line 2 already: give each key its own",
  ]);
});

test("the header is checked before the lines", () => {
  const faults = faultsOf("id,id,secret,label:,label:a b,tema\nx");
  assert.deepEqual(
    faults.map((fault) => fault.split(":")[0]),
    ["1 id", "1 secret", "1 label", "1 label", "1 tema", "1 team"],
  );
  assert.match(faults[1] ?? "", /made here/);
});

test("neither no key nor more than ten thousand are taken", () => {
  for (const text of ["", "id,team", "id,team\n\n"])
    assert.match(faultsOf(text)[0] ?? "", /no key/);
  const lines = Array.from({ length: 10_000 }, (_, index) => `k${index},t\n`).join("");
  assert.deepEqual(faultsOf(`id,team\n${lines}`), []);
  assert.match(faultsOf(`id,team\n${lines}one,t`)[0] ?? "", /^10002 null: .* at most 10000/);
});

test("problems of fields are told by their columns, in the order of the lines", () => {
  const rows = [2, 3, 4].map((line) => ({ line, fields: {} }));
  const problem = (index: number, field?: string) => ({
    index,
    status: 400 as const,
    message: "wrong",
    ...(field === undefined ? {} : { field }),
  });
  const problems = [
    problem(2, "providers[0].models[1]"),
    problem(1, "labels.env"),
    problem(0, "budgets[1].usd"),
    problem(0),
    problem(1, "providers[0].id"),
    problem(2, "team"),
  ];
  assert.deepEqual(
    rowFaults(problems, rows).map(({ line, column }) => [line, column]),
    [
      [2, "budget"],
      [2, null],
      [3, "label:env"],
      [3, "provider"],
      [4, "models"],
      [4, "team"],
    ],
  );
});

test("keys are printed with their secrets", () => {
  const key = { id: "a,b", name: null, team: "t", owner: "o", secret: "vk_x", more: "hidden" };
  assert.equal(printKeyRows([key]), 'id,name,team,owner,secret\r\n"a,b",,t,o,vk_x\r\n');
});
