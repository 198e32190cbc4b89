/** Customers, teams, owners and providers: lists of them, and one. */
import { z } from "zod";
import type { Config } from "../config/config.ts";
import {
  customerFields,
  ownerFields,
  printCustomer,
  printOwner,
  printProvider,
  printTeam,
  providerFields,
  teamFields,
} from "./entity-fields.ts";
import { pageOf } from "./page.ts";
import { listOf, paging } from "./parameters.ts";
import type { ControlPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type Route } from "./route.ts";

const query = z.strictObject(paging);

/** One kind of entity: its name in paths and sentences, and how it is found and printed. */
interface Noun {
  readonly plural: string;
  readonly singular: string;
  readonly fields: z.ZodType;
  readonly print: (config: Config) => readonly { readonly id: string }[];
}

const NOUNS: readonly Noun[] = [
  {
    plural: "customers",
    singular: "customer",
    fields: customerFields,
    print: (config) => config.customers.map(printCustomer),
  },
  {
    plural: "teams",
    singular: "team",
    fields: teamFields,
    print: (config) => config.teams.map(printTeam),
  },
  {
    plural: "owners",
    singular: "owner",
    fields: ownerFields,
    print: (config) => config.owners.map(printOwner),
  },
  {
    plural: "providers",
    singular: "provider",
    fields: providerFields,
    print: (config) => config.providers.map(printProvider),
  },
];

export function entityRoutes(ports: Pick<ControlPorts, "config">): Route[] {
  return NOUNS.flatMap((noun) => [
    route({
      method: "GET",
      path: `/api/v1/${noun.plural}`,
      tag: noun.plural,
      summary: `All ${noun.plural}, by id`,
      query,
      status: 200,
      answer: listOf(noun.fields),
      handle: ({ query: asked }) => ({
        body: pageOf(noun.print(ports.config()), ({ id }) => id, asked),
      }),
    }),
    route({
      method: "GET",
      path: `/api/v1/${noun.plural}/{id}`,
      tag: noun.plural,
      summary: `One ${noun.singular}`,
      status: 200,
      answer: noun.fields,
      problems: [404],
      handle: ({ id }) => {
        const found = noun.print(ports.config()).find((entity) => entity.id === id);
        if (found !== undefined) return { body: found };
        throw new Problem("not_found", `No ${noun.singular} has the id ${id}.`, { value: id });
      },
    }),
  ]);
}
