/** The API's description as tests read it, its references followed. */
import assert from "node:assert/strict";
import type { Components, Schema } from "./openapi-schema.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: Schema;
}

export interface Media {
  readonly schema: Schema;
}

export interface Response {
  readonly description: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, Media>>;
}

type Security = readonly Readonly<Record<string, readonly string[]>>[];

export interface RawOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, Media>>;
  };
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>;
  readonly security?: Security;
}

export interface ApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: {
    readonly schemas: Components;
    readonly responses: Readonly<Record<string, Response>>;
    readonly headers: Readonly<Record<string, { readonly schema: Schema }>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
  readonly security: Security;
}

/** One path and method, with what it inherits from the document. */
export interface Operation extends Omit<RawOperation, "responses" | "security"> {
  readonly method: string;
  readonly path: string;
  readonly responses: Readonly<Record<string, Response>>;
  readonly security: Security;
}

export function operationsOf(document: ApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      security: document.security,
      ...operation,
      method: method.toUpperCase(),
      path,
      responses: Object.fromEntries(
        Object.entries(operation.responses).map(([status, response]) => [
          status,
          responseOf(response, document),
        ]),
      ),
    })),
  );
}

function responseOf(
  response: Response | { readonly $ref: string },
  document: ApiDocument,
): Response {
  if (!("$ref" in response)) return response;
  const name = response.$ref.replace("#/components/responses/", "");
  const found = document.components.responses[name];
  assert.ok(found, `${response.$ref} leads nowhere`);
  return found;
}
