/** `tollgate prices`: what a model costs, and why. */
import type { Command } from "commander";
import { findConfigFile } from "../config/find-file.ts";
import { formatFault } from "../config/fault.ts";
import type { PrintedPrice } from "../control/prices.ts";
import { parseTime, systemClock } from "../core/time.ts";
import type { PriceBook } from "../pricing/price-book.ts";
import { rowOf } from "../providers/catalogue.ts";
import { CommandFailed, EXIT, usageFault } from "./exit.ts";
import { counted } from "./numbers.ts";
import { tableLines, type Column } from "./table.ts";
import { say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withExamples } from "./verb.ts";

interface PriceOptions extends StandardOptions {
  readonly at?: string;
  readonly kind?: string;
}

type Rates = PrintedPrice["rates"];

const RATES: readonly Column<{ readonly rates: Rates }>[] = [
  { title: "INPUT", align: "right", value: ({ rates }) => rates.input },
  { title: "OUTPUT", align: "right", value: ({ rates }) => rates.output },
  { title: "READ", align: "right", value: ({ rates }) => rates.cache_read },
  { title: "WRITE 5M", align: "right", value: ({ rates }) => rates.cache_write_5m },
  { title: "WRITE 1H", align: "right", value: ({ rates }) => rates.cache_write_1h },
];
const UNIT = "US dollars for a million tokens";

export function pricesVerb(session: Session): Command {
  const command = newVerb("prices [model]", "show which price applies to a model, and why")
    .option("--at <time>", "RFC 3339; now where it is left out")
    .option("--kind <kind>", "at this kind of provider; Anthropic where it is left out")
    .action((model: string | undefined, options: PriceOptions) => prices(model, options, session));
  return withExamples(command, [
    "prices",
    "prices claude-opus-4-8 --at 2026-12-01",
    "prices --kind openai",
    "prices us.anthropic.claude-opus-5-5 --kind bedrock",
  ]);
}

/** From the configuration itself: the gateway need not run. */
async function prices(
  model: string | undefined,
  options: PriceOptions,
  session: Session,
): Promise<void> {
  const book = await bookOf(options, session);
  const atMs = options.at === undefined ? systemClock.wallMs() : parseTime(options.at);
  if (atMs === null) throw usageFault(`--at ${options.at}: write RFC 3339, such as 2026-12-01`);
  const { kind } = options;
  if (kind !== undefined && rowOf(kind) === null) {
    throw usageFault(`--kind ${kind}: "tollgate providers" lists the kinds`);
  }
  const { printPrice } = await import("../control/prices.ts");
  const explain = (name: string): PrintedPrice => printPrice(name, book.explain(name, atMs, kind));
  if (model !== undefined) return tellOne(explain(model), options);
  const all = book.wireIds(kind).map(explain);
  if (options.json === true) return sayJson(all);
  const columns: readonly Column<PrintedPrice>[] = [
    { title: "MODEL", cut: true, value: (price) => price.model },
    { title: "PRICE", value: (price) => price.price },
    { title: "FROM", value: ({ from }) => from ?? "—" },
    ...RATES,
  ];
  for (const line of tableLines(all, columns)) say(line);
  say(`${UNIT}; "tollgate prices MODEL" says why.`);
}

async function bookOf(options: PriceOptions, { environment }: Session): Promise<PriceBook> {
  const { readConfig } = await import("../node/reload.ts");
  const { createPriceBook } = await import("../pricing/price-book.ts");
  const loaded = readConfig(findConfigFile(options.config ?? null, environment), environment);
  if (loaded.ok) return createPriceBook(loaded.config.prices);
  const lines = loaded.faults.map(formatFault).join("\n");
  throw new CommandFailed(lines, EXIT.configuration);
}

function tellOne(price: PrintedPrice, options: PriceOptions): void {
  if (options.json === true) return sayJson(price);
  say(`${price.model}: ${price.why}`);
  for (const line of tableLines([price], RATES)) say(line);
  const { long_context: long } = price;
  if (long !== null) {
    say(`above ${counted(long.above_tokens)} tokens of prompt:`);
    for (const line of tableLines([long], RATES).slice(1)) say(line);
  }
  if (price.per_thousand_requests !== "0") {
    say(`and $${price.per_thousand_requests} for a thousand requests`);
  }
  say(`${UNIT}; context ${counted(price.context_window_tokens)} tokens.`);
  if (price.entries.length === 0) return;
  say("");
  const columns: readonly Column<PrintedPrice["entries"][number]>[] = [
    { title: "", value: ({ applies }) => (applies ? "→" : " ") },
    { title: "FROM", value: ({ from }) => from },
    { title: "IN", value: ({ origin }) => (origin === "table" ? "table" : "file") },
    { title: "NAME", cut: true, value: ({ name }) => name },
    ...RATES,
  ];
  for (const line of tableLines(price.entries, columns)) say(line);
  const source = price.entries.find(({ applies }) => applies)?.source ?? null;
  if (source !== null) say(`source: ${source}`);
}
