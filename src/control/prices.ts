/** `GET /api/v1/prices`: what a model costs now, and why. */
import { z } from "zod";
import type { PriceExplanation } from "../pricing/price-book.ts";
import type { Rates } from "../pricing/price.ts";
import { providerKinds } from "../providers/catalogue.ts";
import { pageOf } from "./page.ts";
import { listOf, usdField } from "./answer-fields.ts";
import { moment, paging } from "./parameters.ts";
import type { ControlPorts } from "./ports.ts";
import { route, type Route } from "./route.ts";

const PICO_DIGITS = 6;

const usd = usdField.describe("US dollars for a million tokens.");
const ratesSchema = z
  .strictObject({
    input: usd,
    output: usd,
    cache_read: usd,
    cache_write_5m: usd,
    cache_write_1h: usd,
  })
  .meta({ id: "Rates" });

export const priceSchema = z
  .strictObject({
    model: z.string(),
    name: z.string().describe("The name under which the price stands."),
    price: z.enum(["listed", "assumed", "override", "rehearsal"]),
    from: z.string().nullable(),
    rates: ratesSchema,
    long_context: z
      .strictObject({ above_tokens: z.int(), rates: ratesSchema })
      .nullable()
      .describe("A larger prompt is charged at these."),
    per_thousand_requests: usdField.describe("US dollars for requests, besides their tokens."),
    context_window_tokens: z.int(),
    max_output_tokens: z.int(),
    why: z.string(),
    entries: z
      .array(
        z.strictObject({
          origin: z.enum(["override", "table"]),
          name: z.string(),
          from: z.string(),
          rates: ratesSchema,
          source: z.string().nullable(),
          applies: z.boolean(),
        }),
      )
      .describe("Everything that competes for this model, overrides first."),
  })
  .meta({ id: "Price" });

export type PrintedPrice = z.infer<typeof priceSchema>;

const at = z.strictObject({
  at: moment.optional().describe("RFC 3339; now where it is missing."),
  kind: z
    .enum(providerKinds() as [string, ...string[]])
    .optional()
    .describe("The provider's kind; Anthropic's prices where it is missing."),
});

export function priceRoutes(
  ports: Pick<ControlPorts, "explainPrice" | "pricedModels" | "clock">,
): Route[] {
  const explain = (model: string, { at: atMs, kind }: z.infer<typeof at>): PrintedPrice =>
    printPrice(model, ports.explainPrice(model, atMs ?? ports.clock.wallMs(), kind));
  return [
    route({
      method: "GET",
      path: "/api/v1/prices",
      operation: "listPrices",
      tag: "prices",
      summary: "Prices of all models that table or configuration name",
      query: at.extend(paging),
      status: 200,
      answer: listOf(priceSchema),
      handle: ({ query }) => {
        const page = pageOf(ports.pricedModels(query.kind), (model) => model, query);
        return { body: { ...page, data: page.data.map((model) => explain(model, query)) } };
      },
    }),
    route({
      method: "GET",
      path: "/api/v1/prices/{id}",
      operation: "getPrice",
      idIs: "The model, as clients send it.",
      tag: "prices",
      summary: "The price of one model, whether it is known or not, and why",
      query: at,
      status: 200,
      answer: priceSchema,
      handle: ({ id, query }) => ({ body: explain(id, query) }),
    }),
  ];
}

/** A price as API and command line show it. */
export function printPrice(model: string, explanation: PriceExplanation): PrintedPrice {
  const { price, why, entries } = explanation;
  const { longContext } = price;
  return {
    model,
    name: price.name,
    price: price.source,
    from: price.from,
    rates: printRates(price.rates),
    long_context:
      longContext === null
        ? null
        : { above_tokens: longContext.aboveTokens, rates: printRates(longContext.rates) },
    // Pico-dollars for one, read as for a million tokens, are a thousandth of the price for a thousand.
    per_thousand_requests: perMillion(price.requestPico / 1000n),
    context_window_tokens: price.contextWindowTokens,
    max_output_tokens: price.maxOutputTokens,
    why,
    entries: entries.map((entry) => ({ ...entry, rates: printRates(entry.rates) })),
  };
}

function printRates(rates: Rates): z.infer<typeof ratesSchema> {
  return {
    input: perMillion(rates.input),
    output: perMillion(rates.output),
    cache_read: perMillion(rates.cacheRead),
    cache_write_5m: perMillion(rates.cacheWrite5m),
    cache_write_1h: perMillion(rates.cacheWrite1h),
  };
}

/** Pico-dollars a token are millionths of a dollar for a million tokens. */
function perMillion(pico: bigint): string {
  const digits = pico.toString().padStart(PICO_DIGITS + 1, "0");
  const fraction = digits.slice(-PICO_DIGITS).replace(/0+$/, "");
  return digits.slice(0, -PICO_DIGITS) + (fraction === "" ? "" : `.${fraction}`);
}
