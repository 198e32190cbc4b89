/** A configuration file of a large fleet, as a script would write it: some 440 characters a key. */

const TEAMS = 40;

/** YAML with `keys` virtual keys: budgets, limits, providers and labels in each. Needs `SECRET`. */
export function fleetFile(keys: number): string {
  const lines = [
    "providers:",
    "  - id: anthropic",
    "    kind: anthropic",
    "    keys: [{ id: main, secret: env:SECRET }]",
    "  - { id: backup, kind: rehearsal }",
    "customers:",
    "  - id: acme",
    "teams:",
  ];
  for (let team = 0; team < TEAMS; team++)
    lines.push(
      `  - id: team-${team}`,
      "    customer: acme",
      '    budgets: [{ usd: "500", per: day }]',
    );
  lines.push("virtual_keys:");
  for (let key = 0; key < keys; key++) lines.push(...keyLines(key));
  return `${lines.join("\n")}\n`;
}

function keyLines(key: number): string[] {
  return [
    `  - id: key-${key}`,
    `    team: team-${key % TEAMS}`,
    `    owner: dev-${key}@acme.example`,
    `    name: "Developer ${key}"`,
    `    labels: { cost_centre: "${1000 + (key % 97)}", region: eu-${key % 5} }`,
    "    budgets:",
    '      - usd: "30"',
    "        per: day",
    "      - { usd: 300.50, per: month, time_zone: Europe/Berlin }",
    "    rate_limits:",
    "      - { requests: 60, per: minute }",
    "      - { concurrent: 10 }",
    "    providers:",
    "      - id: anthropic",
    "        models: [claude-opus-*, claude-sonnet-*]",
    "      - id: backup",
  ];
}
