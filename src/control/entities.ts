/** Customers, teams, owners and providers: lists of them, one, and their changes. */
import { z } from "zod";
import type { Config } from "../config/config.ts";
import { fileSchema } from "../config/schema.ts";
import {
  anyFields,
  pascalCase,
  type Changing,
  existing,
  type Noun,
  oneRoutes,
  pathOf,
  problemOf,
  madeReply,
  stillThere,
} from "./entity-changes.ts";
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
import { entityTag } from "./entity-tag.ts";
import { pageOf } from "./page.ts";
import { listOf } from "./answer-fields.ts";
import { inputsOf } from "./entity-inputs.ts";
import { paging } from "./parameters.ts";
import type { ControlPorts, PlainEntityKind } from "./ports.ts";
import { route, type Route } from "./route.ts";

const query = z.strictObject(paging);
const { customers, teams, owners, providers } = fileSchema.shape;

/** One kind of entity, and how it is printed. */
interface Kind extends Pick<Noun, "plural" | "input" | "patch" | "answer"> {
  readonly kind: PlainEntityKind;
  readonly print: (config: Config) => readonly { readonly id: string }[];
}

const KINDS: readonly Kind[] = [
  {
    kind: "customer",
    plural: "customers",
    ...inputsOf("Customer", customers.unwrap().element),
    answer: customerFields,
    print: (config) => config.customers.map(printCustomer),
  },
  {
    kind: "team",
    plural: "teams",
    ...inputsOf("Team", teams.unwrap().element),
    answer: teamFields,
    print: (config) => config.teams.map(printTeam),
  },
  {
    kind: "owner",
    plural: "owners",
    ...inputsOf("Owner", owners.unwrap().element),
    answer: ownerFields,
    print: (config) => config.owners.map(printOwner),
  },
  {
    kind: "provider",
    plural: "providers",
    ...inputsOf("Provider", providers.unwrap().element),
    answer: providerFields,
    print: (config) => config.providers.map(printProvider),
  },
];

type EntityPorts = Pick<ControlPorts, "config" | "entities">;

export function entityRoutes(ports: EntityPorts, changing: Changing): Route[] {
  return KINDS.flatMap((kind) => {
    const noun = nounOf(kind, ports);
    return [
      listRoute(kind, ports),
      createRoute(kind, noun, { ...ports, ...changing }),
      ...oneRoutes(noun, changing),
    ];
  });
}

function nounOf(of: Kind, ports: EntityPorts): Noun {
  const { entities } = ports;
  const { kind, plural, input, answer } = of;
  return {
    plural,
    singular: kind,
    input,
    patch: of.patch,
    answer,
    show: (id) => {
      const body = printed(of, ports).find((entity) => entity.id === id);
      // References to secrets are not shown, but a change of them is one.
      const tag = [body, entities.fieldsOf(kind, id)];
      return body === undefined ? null : { body, etag: entityTag(tag) };
    },
    update: (id, patch, actor) => entities.update({ kind, id, patch }, actor),
    remove: (id, actor) => entities.remove(kind, id, actor),
  };
}

function printed({ kind, print }: Kind, { config, entities }: EntityPorts) {
  return print(config()).map((entity) => ({
    ...entity,
    source: entities.fieldsOf(kind, entity.id) === null ? "file" : "api",
  }));
}

function listRoute(kind: Kind, ports: EntityPorts): Route {
  return route({
    method: "GET",
    path: pathOf(kind),
    tag: kind.plural,
    operation: `list${pascalCase(kind.plural)}`,
    summary: `All ${kind.plural}, by id`,
    query,
    status: 200,
    answer: listOf(kind.answer),
    handle: ({ query: asked }) => ({ body: pageOf(printed(kind, ports), ({ id }) => id, asked) }),
  });
}

function createRoute(
  { kind, plural: tag, input, answer }: Kind,
  noun: Noun,
  { entities, idempotency, inTurn }: EntityPorts & Changing,
): Route {
  const path = pathOf(noun);
  return route({
    method: "POST",
    path,
    tag,
    operation: `create${pascalCase(kind)}`,
    summary: `Makes one ${kind}`,
    body: anyFields,
    documentedBody: input,
    status: 201,
    answer,
    answerHeaders: ["etag", "location"],
    problems: [409, 503],
    headers: ["idempotency-key"],
    handle: (call) =>
      idempotency.once({
        name: `POST ${path}`,
        call,
        act: async (by) => {
          const problem = await inTurn(() => entities.create(kind, call.body, by));
          if (problem !== null) throw problemOf(problem);
          const id = String(call.body["id"]);
          return madeReply(noun, existing(noun, id), id);
        },
        again: ([id = ""]) => madeReply(noun, stillThere(noun, id), id),
      }),
  });
}
