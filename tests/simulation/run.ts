/** Run by hand: prints the ladder's promises and the measured figures side by side. */
import { parseArgs } from "node:util";
import { ALL_RUNGS, type Rungs } from "./gate.ts";
import { measure, measureGenerator, type Measured } from "./measure.ts";
import type { Stretch } from "./passage.ts";
import { GENERATOR, PROMISES, type Figures } from "./promises.ts";
import { BUSY, cappedDays, cappedSessions, cappedTeams } from "./scenarios.ts";

const USAGE = `node tests/simulation/run.ts [--days 600] [--seed 1]
  --days N  capped days or sessions a row (a fiftieth of it in teams)
  --seed N  of all draws\n`;
const NO_RUNGS: Rungs = { memory: false, count: false, wait: false, release: false };

const print = (line = ""): void => void process.stdout.write(`${line}\n`);

function printTable(heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const cells = [heading, heading.map((name) => "-".repeat(name.length)), ...rows];
  const widths = heading.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of cells)
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  print();
}

function figure(value: number | null, digits: number): string {
  return value === null || Number.isNaN(value) ? "–" : value.toFixed(digits);
}

function figures(row: Figures): string[] {
  const digits = [2, 1, 2, 2, 1, 1, 2, 2];
  const { used, usedLow, cut, waited, waitP50, waitP99, refused, oracle } = row;
  return [used, usedLow, cut, waited, waitP50, waitP99, refused, oracle].map((value, index) =>
    figure(value, digits[index] ?? 2),
  );
}

const HEADING = [
  "cap, traffic",
  "",
  "used %",
  "p10",
  "cut %",
  "waited %",
  "p50 s",
  "p99 s",
  "refused with 5 % to spare",
  "oracle",
  "oracle used %",
  "counted %",
  "in flight",
];

function printPromises(rows: readonly (readonly [string, Figures, Measured])[]): void {
  printTable(
    HEADING,
    rows.flatMap(([name, promised, measured]) => [
      [name, "promised", ...figures(promised)],
      [
        "",
        "measured",
        ...figures(measured),
        figure(measured.oracleUsed, 2),
        figure(measured.counted, 1),
        figure(measured.inFlight, 0),
      ],
    ]),
  );
}

function printRungs(stretches: readonly Stretch[]): void {
  const steps: readonly (readonly [string, Rungs])[] = [
    ["bytes and clamps", NO_RUNGS],
    ["+ memory", { ...NO_RUNGS, memory: true }],
    ["+ count, no memory", { ...NO_RUNGS, count: true }],
    ["+ memory, count", { ...NO_RUNGS, memory: true, count: true }],
    ["+ wait", { ...ALL_RUNGS, release: false }],
    ["+ release", ALL_RUNGS],
  ];
  printTable(
    ["rungs at $10 a day", ...HEADING.slice(2, 10), "counted %"],
    steps.map(([name, rungs]) => {
      const measured = measure(stretches, rungs);
      return [name, ...figures(measured), figure(measured.counted, 1)];
    }),
  );
}

function printLastRequest(rows: readonly (readonly [string, Measured])[]): void {
  printTable(
    ["overshoot: last_request", "used %", "days over %", "most used %"],
    rows.map(([name, { used, over, usedMost }]) => [
      name,
      figure(used, 2),
      figure(over, 1),
      figure(usedMost, 1),
    ]),
  );
}

function run(seed: number, days: number): void {
  print(`seed ${seed}, ${days} capped days or sessions a row; cap never overshot, or this stops\n`);
  const generated = measureGenerator(seed, days * 5);
  printTable(
    ["generator", "of the model", "measured"],
    Object.entries(GENERATOR).map(([name, expected]) => [
      name,
      String(expected),
      generated[name as keyof typeof GENERATOR].toPrecision(3),
    ]),
  );
  const ten = { seed, count: days, capUsd: 10 };
  const stretches = cappedDays(ten);
  const team = measure(cappedTeams(seed, Math.ceil(days / 50), { capUsd: 4_000, developers: 40 }));
  printPromises([
    ["$10 a day, one developer", PROMISES.ten, measure(stretches)],
    ["$10, busy", PROMISES.busy, measure(cappedDays({ ...ten, habits: BUSY }))],
    ["$30", PROMISES.thirty, measure(cappedDays({ ...ten, capUsd: 30 }))],
    ["$5", PROMISES.five, measure(cappedDays({ ...ten, capUsd: 5 }))],
    ["team of 40, $4,000 a month", PROMISES.team, team],
    ["session, $10", PROMISES.session, measure(cappedSessions(seed, days, 10))],
  ]);
  const clearing = measure(cappedDays({ ...ten, afterExcess: "clear" }));
  print(
    `$10 where people clear a context that no longer fits and go on: used ${figure(clearing.used, 2)} %` +
      ` (p10 ${figure(clearing.usedLow, 1)})`,
  );
  print(
    `team: first wait at ${figure(team.firstWait, 2)} % of the cap (promised 99.5);` +
      ` somebody waits during ${figure(team.queueMinutes, 1)} minutes (promised 2.5)\n`,
  );
  printRungs(stretches);
  const last = { ...ten, overshoot: "last_request" as const };
  printLastRequest(
    [5, 10, 30].map((capUsd) => [`$${capUsd}`, measure(cappedDays({ ...last, capUsd }))]),
  );
}

const { values } = parseArgs({
  options: {
    days: { type: "string", default: "600" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) process.stdout.write(USAGE);
else run(Number(values.seed), Number(values.days));
