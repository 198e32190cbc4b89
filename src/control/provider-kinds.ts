/** `GET /api/v1/provider-kinds`: the catalogue of providers, their doors and what they can. */
import { z } from "zod";
import { providerKinds, rowOf } from "../providers/catalogue.ts";
import { needsOf } from "../providers/needs.ts";
import type { AuthScheme, DoorRow, ProviderRow } from "../providers/row.ts";
import { QUIRKS } from "../wire/egress.ts";
import { listOf } from "./answer-fields.ts";
import { pageOf } from "./page.ts";
import { paging } from "./parameters.ts";
import { Problem } from "./problem.ts";
import { route, type Route } from "./route.ts";

const doorSchema = z
  .strictObject({
    id: z.string().describe("What a provider's `door` may name."),
    format: z.string().describe("The format that it speaks."),
    path: z.string(),
    stream_path: z.string(),
    count_path: z.string().nullable().describe("Null where counting is not offered for nothing."),
    models: z
      .array(z.string())
      .nullable()
      .describe("Globs; null: all. Empty: only where the file names this door."),
    headers: z.record(z.string(), z.string()),
  })
  .meta({ id: "ProviderDoor" });

const capabilitiesSchema = z
  .strictObject({
    tools: z.boolean(),
    thinking: z.boolean(),
    caching: z.enum(["explicit", "automatic", "none"]),
    vision: z.boolean(),
    documents: z.boolean(),
    structured_output: z.boolean(),
    max_tokens_includes_thinking: z.boolean(),
    takes_unknown_betas: z.boolean(),
    tokens_never_exceed_bytes: z.boolean(),
    image_tokens_max: z.int().describe("The most that one picture can cost."),
  })
  .meta({ id: "ProviderCapabilities" });

const kindSchema = z
  .strictObject({
    kind: z.string().describe("The word that the file's `kind` uses."),
    title: z.string(),
    base_url: z.string().nullable().describe("Settings in braces; null: the file names it."),
    settings: z.strictObject({ needed: z.array(z.string()), known: z.array(z.string()) }),
    keys_needed: z.boolean(),
    authentication: z.array(z.string()),
    doors: z.array(doorSchema).describe("In order of preference."),
    model_list: z.string().nullable().describe("Path of its list of models."),
    models: z.array(z.strictObject({ id: z.string(), aliases: z.array(z.string()) })),
    quirks: z.array(z.strictObject({ name: z.string(), meaning: z.string() })),
    capabilities: capabilitiesSchema,
    billing: z.strictObject({
      bills_to_the_end: z.boolean(),
      unproven_statuses: z.array(z.int()),
      refusal_before_output_is_free: z.boolean(),
      output_tokens_per_second_max: z.int(),
    }),
    price_source: z.string().nullable(),
    source: z.string(),
    checked_on: z.string().meta({ format: "date" }),
  })
  .meta({ id: "ProviderKind" });

export type PrintedKind = z.infer<typeof kindSchema>;

export function providerKindRoutes(): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/v1/provider-kinds",
      operation: "listProviderKinds",
      tag: "provider-kinds",
      summary: "All kinds of providers, with their doors and capabilities",
      query: z.strictObject(paging),
      status: 200,
      answer: listOf(kindSchema),
      handle: ({ query }) => ({ body: pageOf(printedKinds(), ({ kind }) => kind, query) }),
    }),
    route({
      method: "GET",
      path: "/api/v1/provider-kinds/{id}",
      operation: "getProviderKind",
      idIs: "The kind, as the file writes it.",
      tag: "provider-kinds",
      summary: "One kind of provider",
      status: 200,
      answer: kindSchema,
      problems: [404],
      handle: ({ id }) => {
        const row = rowOf(id);
        if (row === null)
          throw new Problem("not_found", "There is no kind of provider of this name.");
        return { body: printKind(row) };
      },
    }),
  ];
}

/** Every kind as API and command line show it, in the catalogue's order. */
export function printedKinds(): PrintedKind[] {
  return providerKinds().flatMap((kind) => {
    const row = rowOf(kind);
    return row === null ? [] : [printKind(row)];
  });
}

/** A row of the catalogue as API and command line show it. */
function printKind(row: ProviderRow): PrintedKind {
  const { can, billing } = row;
  const needs = needsOf(row.kind, { hasBaseUrl: false, door: null });
  return {
    kind: row.kind,
    title: row.title,
    base_url: row.baseUrl,
    settings: { needed: [...(needs?.settings ?? [])], known: [...row.settings] },
    keys_needed: needs?.keys ?? true,
    authentication: row.auth.map(authenticationOf),
    doors: row.doors.map(printDoor),
    model_list: row.modelList?.path ?? null,
    models: row.models.map(({ id, aliases }) => ({ id, aliases: [...aliases] })),
    quirks: row.quirks.map((name) => ({ name, meaning: QUIRKS[name] })),
    capabilities: {
      tools: can.tools,
      thinking: can.thinking,
      caching: can.caching,
      vision: can.vision,
      documents: can.documents,
      structured_output: can.structuredOutput,
      max_tokens_includes_thinking: can.maxTokensIncludesThinking,
      takes_unknown_betas: can.takesUnknownBetas,
      tokens_never_exceed_bytes: can.tokensNeverExceedBytes,
      image_tokens_max: can.imageTokensMax,
    },
    billing: {
      bills_to_the_end: billing.billsToTheEnd,
      unproven_statuses: [...billing.unprovenStatuses],
      refusal_before_output_is_free: billing.refusalBeforeOutputIsFree,
      output_tokens_per_second_max: billing.outputTokensPerSecondMax,
    },
    price_source: row.priceSource,
    source: row.source,
    checked_on: row.checkedOn,
  };
}

function printDoor({ id, format, paths, models, headers }: DoorRow): PrintedKind["doors"][number] {
  return {
    id,
    format,
    path: paths.message,
    stream_path: paths.stream,
    count_path: paths.countTokens,
    models: models === null ? null : [...models],
    headers: { ...headers },
  };
}

/** A scheme in a few words: "x-api-key: …", "AWS Signature Version 4". */
function authenticationOf(scheme: AuthScheme): string {
  switch (scheme.kind) {
    case "header":
      return `${scheme.name}: ${scheme.prefix}…`;
    case "aws-sigv4":
      return `AWS Signature Version 4 for ${scheme.service}`;
    case "google-oauth":
      return "Google OAuth 2.0";
    case "azure-entra":
      return "Microsoft Entra ID";
    case "none":
      return "none";
  }
}
