/** The shape of an entry of `prices`: an override of the price table, or an addition to it. */
import { z } from "zod";
import { DAY, isDay, USD_PER_MILLION } from "./scalar.ts";
import { glob, text } from "./schema-text.ts";

const usdPerMillion = text({
  pattern: USD_PER_MILLION,
  fault:
    'is not a price in US dollars for a million tokens: write a decimal that is not negative, below 1000000 and with up to 6 decimals, such as "5" or "0.25"',
});

export const priceSchema = z.strictObject({
  model: glob.describe("The model's id."),
  from: text({
    pattern: DAY,
    holds: isDay,
    fault: "is not a day: write YYYY-MM-DD",
  }).describe("First day, from midnight UTC."),
  input: usdPerMillion.describe("US dollars for a million tokens of input."),
  output: usdPerMillion.describe("US dollars for a million tokens of output."),
  cache_read: usdPerMillion
    .optional()
    .describe("US dollars for a million tokens read from the cache."),
  cache_write_5m: usdPerMillion
    .optional()
    .describe("US dollars for a million tokens written to the 5-minute cache."),
  cache_write_1h: usdPerMillion
    .optional()
    .describe("US dollars for a million tokens written to the 1-hour cache."),
});
