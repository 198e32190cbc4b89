/** The API's description of itself: complete, consistent, and without what is not part of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startApi } from "./api-client.ts";

interface Operation {
  readonly parameters: readonly { readonly name: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: object }>>;
  };
}

interface Description {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<
      Record<string, { readonly properties: object; readonly required: readonly string[] }>
    >;
  };
}

test("the document describes every call once, and says which version it is of", async () => {
  const api = await startApi();
  try {
    const document = (await api.get("/api/openapi.json")).body as unknown as Description;
    assert.equal(document.openapi, "3.1.0");
    assert.equal(document.info.version, "9.8.7");
    assert.deepEqual(Object.keys(document.paths).toSorted(), [
      "/api/openapi.json",
      "/api/v1/admin/reset-token",
      "/api/v1/audit/checkpoint",
      "/api/v1/audit/records",
      "/api/v1/backups",
      "/api/v1/budgets",
      "/api/v1/customers",
      "/api/v1/customers/{id}",
      "/api/v1/findings",
      "/api/v1/levers",
      "/api/v1/owners",
      "/api/v1/owners/{id}",
      "/api/v1/prices",
      "/api/v1/prices/{id}",
      "/api/v1/provider-kinds",
      "/api/v1/provider-kinds/{id}",
      "/api/v1/providers",
      "/api/v1/providers/{id}",
      "/api/v1/requests",
      "/api/v1/requests/{id}",
      "/api/v1/requests/{id}/correction",
      "/api/v1/route/explain",
      "/api/v1/session",
      "/api/v1/sessions",
      "/api/v1/sessions/{virtual_key}/{id}",
      "/api/v1/sessions/{virtual_key}/{id}/pause",
      "/api/v1/sessions/{virtual_key}/{id}/resume",
      "/api/v1/sessions/{virtual_key}/{id}/stop",
      "/api/v1/shadow/report",
      "/api/v1/status",
      "/api/v1/teams",
      "/api/v1/teams/{id}",
      "/api/v1/usage",
      "/api/v1/virtual-keys",
      "/api/v1/virtual-keys/{id}",
      "/api/v1/virtual-keys/{id}/revoke",
      "/api/v1/virtual-keys/{id}/rotate",
      "/api/v1/why",
      "/metrics",
    ]);
  } finally {
    await api.close();
  }
});

test("a new key's body is described by the fields of the file, without a secret", async () => {
  const api = await startApi();
  try {
    const document = (await api.get("/api/openapi.json")).body as unknown as Description;
    const { post, get } = document.paths["/api/v1/virtual-keys"] ?? {};
    const body = post?.requestBody?.content["application/json"]?.schema;
    assert.deepEqual(body, { $ref: "#/components/schemas/NewVirtualKey" });
    const schema = document.components.schemas["NewVirtualKey"];
    assert.ok(schema !== undefined);
    assert.ok("budgets" in schema.properties && !("secret" in schema.properties));
    assert.deepEqual(schema.required, ["id", "team"]);
    assert.ok("text/csv" in (post?.requestBody?.content ?? {}));
    assert.ok(
      !("text/csv" in (document.paths["/api/v1/teams"]?.["post"]?.requestBody?.content ?? {})),
    );
    const names = get?.parameters.map(({ name }) => name);
    assert.deepEqual(names, ["limit", "cursor", "team", "owner"]);
  } finally {
    await api.close();
  }
});
