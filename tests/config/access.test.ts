/** The `access` section of every scope: what it becomes, every fault of it, and what is warned of. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NO_GOVERNANCE } from "../../src/config/governance-config.ts";
import { configOf, faultsOf, load } from "./loading.ts";

const FRAME = `providers: [{ id: up, kind: rehearsal }, { id: spare, kind: rehearsal }]
customers: [{ id: acme }]
`;

function teamWith(access: string): string {
  return `${FRAME}teams:\n  - id: platform\n    customer: acme\n    access: ${access}\n`;
}

function faults(access: string): string[] {
  return faultsOf(teamWith(access)).map((line) =>
    line.replace(/^tollgate\.yaml:\d+:\d+ teams\[0\]\.access\./, ""),
  );
}

test("a section with everything", () => {
  const access = `{ models: { allow: ["claude-*"], deny: ["claude-fable-*"] },
      server_tools: { deny: [web_search, computer_20250124] },
      hours: { allow: [{ days: [mon], from: "22:00", to: "06:00" }, { from: "00:00", to: "24:00" }] } }`;
  const [team] = configOf(`time_zone: Europe/Berlin\n${teamWith(access)}`).teams;
  assert.deepEqual(team?.governance.access, {
    lists: {
      models: { allow: ["claude-*"], deny: ["claude-fable-*"] },
      server_tools: { allow: null, deny: ["web_search", "computer_20250124"] },
    },
    hours: {
      timeZone: "Europe/Berlin",
      allow: [
        { days: ["mon"], fromMinute: 1320, toMinute: 360 },
        {
          days: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
          fromMinute: 0,
          toMinute: 1440,
        },
      ],
      deny: [],
    },
  });
});

test("who says nothing shares the silence of all", () => {
  const { customers, teams, access } = configOf(teamWith("{ models: {}, hours: {} }"));
  assert.equal(customers[0]?.governance, NO_GOVERNANCE);
  assert.equal(teams[0]?.governance, NO_GOVERNANCE);
  assert.equal(access, null);
});

test("the file's own level, owners and keys take it too", () => {
  const rule = '{ headers: { deny: ["x-*"] } }';
  const config = configOf(`${teamWith(rule)}access: ${rule}
owners: [{ id: bob, team: platform, access: ${rule} }]
virtual_keys: [{ id: k, team: platform, owner: bob, access: ${rule} }]
`);
  const { access, owners, virtualKeys } = config;
  assert.deepEqual(access?.lists.headers, { allow: null, deny: ["x-*"] });
  assert.deepEqual(owners[0]?.governance.access, access);
  assert.deepEqual(virtualKeys[0]?.governance.access, access);
});

describe("faults", () => {
  const cases: Readonly<Record<string, readonly [access: string, fault: string]>> = {
    "a provider that is not there": [
      "{ providers: { allow: [sparse] } }",
      'providers.allow[0]: no provider has the id "sparse": did you mean "spare"?',
    ],
    "a tool that nobody has": [
      "{ server_tools: { deny: [web_serch] } }",
      'server_tools.deny[0]: no server tool is called "web_serch": did you mean "web_search"?',
    ],
    "a task type that is none": [
      "{ task_types: { deny: [sumary] } }",
      'task_types.deny[0]: "sumary" is not known here: did you mean "summary"?',
    ],
    "a list that is misspelt": [
      "{ model: { deny: [x] } }",
      'model: unknown key "model": did you mean "models"?',
    ],
    "a side that is misspelt": [
      "{ models: { allowed: [x] } }",
      'models.allowed: unknown key "allowed": did you mean "allow"?',
    ],
    "a network that is none": [
      "{ networks: { allow: [10.0.0.0/40] } }",
      'networks.allow[0]: "10.0.0.0/40" is not an IP address or network: write one such as 10.0.0.0/8',
    ],
    "a day that is none": [
      '{ hours: { allow: [{ days: [mo], from: "07:00", to: "08:00" }] } }',
      'hours.allow[0].days[0]: "mo" is not known here: did you mean "mon"?',
    ],
    "an hour that is none": [
      '{ hours: { deny: [{ from: "7:00", to: "08:00" }] } }',
      'hours.deny[0].from: "7:00" is not a time of day: write "HH:MM", such as "07:00"',
    ],
    "hours without end": [
      '{ hours: { deny: [{ from: "07:00", to: "07:00" }] } }',
      'hours.deny[0].to: is "07:00", where it begins: write from "00:00" to "24:00" for the whole day',
    ],
    "a zone that is none": [
      "{ hours: { time_zone: Europe/Berlim } }",
      'hours.time_zone: "Europe/Berlim" is not an IANA time zone: did you mean "Europe/Berlin"?',
    ],
    "a beta with a comma": [
      '{ betas: { deny: ["a,b"] } }',
      'betas.deny[0]: "a,b" is not a beta: write a value of anthropic-beta or a glob, such as context-1m-*',
    ],
  };
  for (const [name, [access, fault]] of Object.entries(cases))
    test(name, () => assert.deepEqual(faults(access), [fault]));

  test("globs need not name what is there", () => {
    assert.deepEqual(
      faults('{ providers: { deny: ["x*"] }, server_tools: { deny: ["x_*"] } }'),
      [],
    );
    assert.deepEqual(faults("{ server_tools: { deny: [new_tool_20270101] } }"), []);
  });
});

test("lists that leave nothing are warned of; of tools, betas and headers that is a rule", () => {
  const access =
    "{ models: { allow: [] }, hours: { allow: [] }, server_tools: { allow: [] }, betas: { allow: [] } }";
  const loaded = load(teamWith(access));
  assert.ok(loaded.ok);
  const warnings = loaded.warnings.filter((line) => line.includes("access"));
  assert.deepEqual(
    warnings.map((line) => / (teams\S+): (.*)$/.exec(line)?.slice(1)),
    ["models", "hours"].map((name) => [
      `teams[0].access.${name}.allow`,
      "is empty, so every request is refused: leave it out for all",
    ]),
  );
});
