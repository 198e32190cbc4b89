/** Credentials in the file: references to secrets, and what clouds need in their place. */
import { z } from "zod";
import { REFERENCE } from "./scalar.ts";
import { anyText, text } from "./schema-text.ts";

export const secret = text({
  pattern: REFERENCE,
  fault: "is written out: write env:NAME or file:PATH, so that the file holds no secret",
});

export const aws = z.strictObject({
  access_key_id: secret.optional().describe("Of a static key: env:NAME or file:PATH."),
  secret_access_key: secret.optional().describe("Of a static key: env:NAME or file:PATH."),
  session_token: secret.optional().describe("Of a temporary key: env:NAME or file:PATH."),
  profile: anyText.min(1).optional().describe("Profile of the shared file; else AWS_PROFILE."),
  instance_metadata: z.boolean().default(false).describe("Ask the machine's metadata service too."),
});

export const google = z.strictObject({
  credentials: secret
    .optional()
    .describe("JSON of a service account or workload identity: file:PATH or env:NAME."),
  instance_metadata: z.boolean().default(false).describe("Ask the machine's metadata server too."),
});

export const azure = z.strictObject({
  tenant_id: anyText.min(1).describe("Of the directory."),
  client_id: anyText.min(1).describe("Of the application."),
  client_secret: secret.describe("Of the application: env:NAME or file:PATH."),
});
