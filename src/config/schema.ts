/** The configuration file's shape, names, defaults and descriptions: the source of its JSON Schema too. */
import { z } from "zod";
import {
  DURATION,
  isTimeout,
  parseAddress,
  parseDuration,
  parseMoment,
  parsePlainUrl,
  PLAIN_URL,
  TIMER_DAYS_MAX,
} from "./scalar.ts";
import { governed, rateLimit } from "./caps-schema.ts";
import { aws, azure, google, secret } from "./cloud-schema.ts";
import {
  anyText,
  glob,
  id,
  labelName,
  network,
  providerId,
  text,
  timeZone,
} from "./schema-text.ts";
import { priceSchema } from "./price-schema.ts";
import { fairnessSchema } from "./fairness-schema.ts";
import { governance } from "./governance-schema.ts";
import { leversOfAll } from "./levers-schema.ts";
import { runaway } from "./runaway-schema.ts";
import { routingSchema } from "./routing-schema.ts";
import { QUIRKS, type Quirk } from "../wire/egress.ts";

/** Names that base URLs and paths of the catalogue may need. */
const PROVIDER_SETTINGS = [
  "region",
  "project",
  "location",
  "resource",
  "api_version",
  "workspace",
  "account",
] as const;
const TIMER_SECONDS_MAX = TIMER_DAYS_MAX * 86_400;

const timeout = text({
  pattern: DURATION,
  holds: isTimeout,
  fault: `is not a time-out: write a whole number and ms, s, m, h or d, such as 30s; more than 0, at most ${TIMER_DAYS_MAX}d`,
});
const duration = text({
  pattern: DURATION,
  holds: (value) => parseDuration(value) !== null,
  fault: "is not a duration: write a whole number above 0 and ms, s, m, h or d, such as 400d",
});
const address = text({
  pattern: /^\S+:\d{1,5}$/,
  holds: (value) => parseAddress(value) !== null,
  fault: 'is not an address: write host:port, such as 127.0.0.1:8080 or "[::1]:8080"',
});
const fileReference = text({
  pattern: /^file:./,
  fault: "must be a file: write file:PATH",
});
const path = text({ pattern: /^[^\0]+$/, fault: "is not a path: write one that is not empty" });

const labelled = {
  name: anyText.min(1).max(256).optional().describe("A name for people; shown beside the id."),
  labels: z
    .record(labelName, anyText)
    .default({})
    .describe("Free names and values for attribution; usage can be grouped by them."),
};

const timeouts = z.strictObject({
  header: timeout.default("30s").describe("Until a request's head has arrived."),
  body_idle: timeout.default("60s").describe("Between two pieces of a request's body."),
  connect: timeout.default("10s").describe("Until a connection to an upstream stands."),
  first_byte: timeout.default("600s").describe("Until an upstream's answer begins."),
  idle: timeout.default("600s").describe("Between two pieces of an upstream's answer."),
});

const tls = z.strictObject({
  cert: fileReference.describe("The certificate chain in PEM form; read anew when it changes."),
  key: fileReference.describe("The private key in PEM form; read anew when it changes."),
});

const server = z.strictObject({
  listen: address.default("127.0.0.1:8080").describe("Where clients connect."),
  admin_listen: address
    .default("127.0.0.1:8081")
    .describe("Where the control API and dashboard are."),
  max_body_mb: z
    .int()
    .min(1)
    .max(1024)
    .default(64)
    .describe("Largest request body in units of 1,048,576 bytes."),
  drain_seconds: z
    .int()
    .min(0)
    .max(TIMER_SECONDS_MAX)
    .default(600)
    .describe("How long a stop waits for requests in flight."),
  budget_wait_seconds: z
    .int()
    .min(0)
    .max(TIMER_SECONDS_MAX)
    .default(60)
    .describe("How long a request waits for other requests' holds."),
  timeouts: timeouts.prefault({}).describe("Time-outs towards clients and upstreams."),
  tls: tls.optional().describe("Serve clients over TLS."),
  trusted_proxies: z
    .array(network)
    .default([])
    .describe("Addresses or networks whose X-Forwarded-For is believed."),
});

const outbound = z.strictObject({
  proxy: text({
    pattern: /^(?:env:.|file:.|https?:\/\/[^\s@]+$)/,
    fault: "is not a proxy: write env:NAME, file:PATH or an http or https URL without credentials",
  })
    .optional()
    .describe("HTTP proxy towards the upstreams; with credentials only as a reference."),
  ca: secret
    .optional()
    .describe("Further certificate authorities in PEM form, trusted beside the system's."),
});

const provider = z.strictObject({
  id: providerId.describe("Unique among the providers."),
  kind: anyText.min(1).describe("A kind of the catalogue; `tollgate providers` lists them."),
  base_url: text({
    pattern: PLAIN_URL,
    holds: (value) => parsePlainUrl(value) !== null,
    fault: "is not a base URL: write an http or https URL without credentials, query or fragment",
  })
    .optional()
    .describe("Where the upstream is; else the catalogue's URL for the kind."),
  settings: z
    .partialRecord(
      z.enum(PROVIDER_SETTINGS),
      text({
        pattern: /^[A-Za-z0-9._@:-]{1,256}$/,
        fault: "is not a setting: write letters, digits and . _ - : @ only",
      }),
    )
    .default({})
    .describe("What the kind's URL needs: region, project, location and the like."),
  door: anyText
    .min(1)
    .optional()
    .describe("The one door of the kind to use; else the first that serves the model."),
  models: z
    .record(glob, glob)
    .default({})
    .describe("Names that clients ask for, or globs over them, and the provider's own names."),
  quirks: z
    .array(z.enum(Object.keys(QUIRKS) as [Quirk, ...Quirk[]]))
    .default([])
    .describe("Ways in which this server differs from its dialect, added to the kind's."),
  allow_private_network: z
    .boolean()
    .default(false)
    .describe("The host's name may resolve to a loopback, private or link-local address."),
  keys: z
    .array(
      z.strictObject({
        id: id.describe("Unique in the provider."),
        secret: secret
          .optional()
          .describe(
            "The provider's credential: env:NAME or file:PATH. Or one of aws, google, azure.",
          ),
        aws: aws.optional().describe("AWS credentials; empty for the machine's own chain."),
        google: google
          .optional()
          .describe("Google credentials; empty for application default credentials."),
        azure: azure.optional().describe("Entra client credentials."),
        models: z.array(glob).optional().describe("Globs over model ids; without it all models."),
        weight: z
          .number()
          .gt(0)
          .max(1_000_000)
          .default(1)
          .describe("Share of the requests, relative to the other keys."),
        rate_limits: z
          .array(rateLimit)
          .default([])
          .describe("What the account behind it may take; a key without room is passed over."),
      }),
    )
    .default([])
    .describe("Credentials; requests are spread over them by weight."),
});

const customer = z.strictObject({
  id: id.describe("Unique among the customers."),
  ...labelled,
  ...governed,
  ...governance,
});

const team = z.strictObject({
  id: id.describe("Unique among the teams."),
  customer: id.describe("Id of the customer that it belongs to."),
  ...labelled,
  ...governed,
  ...governance,
});

const owner = z.strictObject({
  id: id.describe("Unique among the owners."),
  team: id.describe("Id of the team that the person belongs to."),
  ...labelled,
  ...governed,
  ...governance,
});

const virtualKey = z.strictObject({
  id: id.describe("Unique among the virtual keys."),
  team: id.describe("Id of the team that it belongs to."),
  owner: id.optional().describe("Whose key it is; need not be listed under owners."),
  secret: secret
    .optional()
    .describe("The key itself, vk_…: env:NAME or file:PATH; else `tollgate keys rotate` gives it."),
  expires: text({
    pattern: /^\d{4}-\d{2}-\d{2}/,
    holds: (value) => parseMoment(value) !== null,
    fault: "is not a time: write RFC 3339 such as 2027-06-30T00:00:00Z",
  })
    .optional()
    .describe("From then on the key is refused; RFC 3339."),
  ...labelled,
  ...governed,
  ...governance,
  providers: z
    .array(
      z.strictObject({
        id: providerId.describe("Id of a provider."),
        models: z.array(glob).optional().describe("Globs over model ids; without it all models."),
        ...governed,
      }),
    )
    .optional()
    .describe("In order of preference; without it all providers in the file's order."),
});

/** The whole file. It checks single values; what relates several of them is in `check.ts`. */
export const fileSchema = z.strictObject({
  version: z.literal(1).default(1).describe("Version of this format."),
  mode: z
    .enum(["enforce", "observe"])
    .default("enforce")
    .describe("observe makes and records every decision, and applies none."),
  unknown_models: z
    .enum(["assume", "refuse"])
    .default("assume")
    .describe("assume charges models without a known price at an assumed one, which is not sound."),
  runaway,
  server: server.prefault({}).describe("Listening, limits and time-outs."),
  outbound: outbound.prefault({}).describe("The way to the upstreams."),
  data_dir: path
    .default("data")
    .describe("Journal, views and keys; relative to this file's folder."),
  time_zone: timeZone.default("UTC").describe("IANA zone of calendar windows."),
  journal: z
    .strictObject({
      durability: z
        .enum(["os", "disk"])
        .default("os")
        .describe(
          "os survives kill -9; disk survives power loss, at the price of a sync a request.",
        ),
      segment_mb: z
        .int()
        .min(1)
        .max(4096)
        .default(64)
        .describe("Size at which a segment ends, in units of 1,048,576 bytes."),
      retain: duration.default("400d").describe("How long segments are kept."),
    })
    .prefault({})
    .describe("The append-only record of everything."),
  log: z
    .strictObject({
      level: z
        .enum(["debug", "info", "warn", "error"])
        .default("info")
        .describe("Least severity logged."),
      format: z
        .enum(["json", "text"])
        .default("json")
        .describe("json for machines, text for people."),
    })
    .prefault({})
    .describe("The log on standard error."),
  admin: z
    .strictObject({
      token: secret
        .optional()
        .describe("Token of the control API: env:NAME or file:PATH; else one is made."),
      open_metrics: z.boolean().default(false).describe("Serve /metrics without a token."),
    })
    .prefault({})
    .describe("The control API."),
  providers: z.array(provider).default([]).describe("Where requests can go."),
  customers: z.array(customer).default([]).describe("The outermost scope."),
  teams: z.array(team).default([]).describe("Parts of a customer."),
  owners: z
    .array(owner)
    .default([])
    .describe("People with budgets or limits over all their keys; others need not be listed."),
  virtual_keys: z.array(virtualKey).default([]).describe("What clients identify themselves with."),
  access: governance.access.describe("What any request may be, whoever asks."),
  routing: routingSchema.prefault({}).describe("Which provider and model answer which request."),
  ...leversOfAll,
  fairness: fairnessSchema
    .prefault({})
    .describe("How requests share a provider that has room for fewer than there are."),
  prices: z
    .array(priceSchema)
    .default([])
    .describe("Overrides of and additions to the price table; the price at admission applies."),
});

/** A valid file with its defaults filled in; values still as texts. */
export type ConfigFile = z.output<typeof fileSchema>;
/** A valid file as a person writes it. */
export type ConfigInput = z.input<typeof fileSchema>;
