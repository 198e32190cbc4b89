/** The description is OpenAPI 3.1 that a client can be generated from, and it lists the server's routes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createBrowserSessions } from "../../src/control/browser-sessions.ts";
import { createHttp } from "../../src/control/http.ts";
import { controlRoutes } from "../../src/control/routes.ts";
import { systemClock } from "../../src/core/time.ts";
import { startApi, type Api } from "./api-client.ts";
import { memoryWorld } from "./memory-ports.ts";
import {
  operationsOf,
  type ApiDocument,
  type Operation,
  type Parameter,
} from "./openapi-document.ts";
import { isKnown, schemasIn, type Schema } from "./openapi-schema.ts";

/** For eyes, not for programs. */
const PAGES = ["/", "/sign-in", "/sign-out"];

let api: Api;
let document: ApiDocument;
let operations: readonly Operation[];

before(async () => {
  api = await startApi();
  document = (await api.get("/api/openapi.json")).body as unknown as ApiDocument;
  operations = operationsOf(document);
});
after(() => api?.close());

/** All objects within a value. */
function* objectsIn(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Readonly<Record<string, unknown>>;
  for (const each of Object.values(value)) yield* objectsIn(each);
}

function atPointer(pointer: string): unknown {
  return pointer
    .slice("#/".length)
    .split("/")
    .reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>>)?.[name], document);
}

function schemasOf({ parameters, requestBody, responses }: Operation): Schema[] {
  const media = [requestBody, ...Object.values(responses)].flatMap((each) =>
    Object.values(each?.content ?? {}),
  );
  return [...parameters, ...media].map(({ schema }) => schema);
}

test("the document has the parts of OpenAPI 3.1 and no others", () => {
  assert.match(document.openapi, /^3\.1\.\d+$/);
  const parts = ["openapi", "info", "servers", "tags", "paths", "components", "security"];
  assert.deepEqual(Object.keys(document), parts);
  for (const field of ["title", "version", "description", "license"])
    assert.ok(field in document.info, field);
  const tags = document.tags.map(({ name }) => name);
  assert.equal(new Set(tags).size, tags.length);
  for (const { name, description } of document.tags) assert.notEqual(description, name);
});

test("every reference leads somewhere, and every component is referred to", () => {
  const named = new Set<string>();
  for (const each of objectsIn(document)) {
    const { $ref } = each;
    if (typeof $ref !== "string") continue;
    assert.deepEqual(Object.keys(each).toSorted()[0], "$ref");
    assert.ok(atPointer($ref) !== undefined, $ref);
    named.add($ref);
  }
  for (const part of ["schemas", "responses", "headers"] as const)
    for (const name of Object.keys(document.components[part]))
      assert.ok(named.has(`#/components/${part}/${name}`), `nothing refers to ${part}/${name}`);
  const schemes = Object.keys(document.components.securitySchemes);
  const used = operations.flatMap(({ security }) => security.flatMap((each) => Object.keys(each)));
  assert.deepEqual([...new Set(used)].toSorted(), schemes.toSorted());
});

test("every operation has a name, a summary, a tag, described parameters and answers", () => {
  const ids = operations.map(({ operationId }) => operationId);
  assert.equal(new Set(ids).size, ids.length);
  const tags = new Set(document.tags.map(({ name }) => name));
  for (const operation of operations) {
    const { operationId, method, path, summary, responses } = operation;
    assert.match(operationId, /^[a-z]+(?:[A-Z][a-z]*)*$/);
    assert.match(path, /^\//);
    assert.ok(["GET", "POST", "PATCH", "DELETE"].includes(method));
    assert.ok(summary.length > 5, operationId);
    assert.ok(operation.tags.length === 1 && operation.tags.every((tag) => tags.has(tag)));
    holdParameters(operation);
    const good = Object.keys(responses).filter((status) => /^2\d\d$/.test(status));
    assert.equal(good.length, 1, operationId);
    for (const needed of ["400", "500"]) assert.ok(needed in responses, operationId);
    assert.equal("403" in responses, method !== "GET" && operation.security.length > 0);
    assert.equal("404" in responses, path.includes("{id}") && operationId !== "getPrice");
    for (const [status, { description, content = {} }] of Object.entries(responses)) {
      assert.ok(description !== "", `${operationId} ${status}`);
      if (Number(status) < 400) continue;
      assert.deepEqual(Object.keys(content), ["application/problem+json"]);
    }
  }
});

function holdParameters({ parameters, path, operationId, requestBody }: Operation): void {
  const names = parameters.map((each) => `${each.in} ${each.name}`);
  assert.equal(new Set(names).size, names.length, operationId);
  const inPath = parameters.filter((each: Parameter) => each.in === "path");
  assert.deepEqual(
    inPath.map(({ name }) => `{${name}}`),
    path.match(/\{\w+\}/g) ?? [],
  );
  for (const { name, description, schema, required, in: place } of parameters) {
    assert.ok((description ?? "").length > 5, `${operationId} ${name} is not described`);
    assert.ok(schema.type !== undefined, `${operationId} ${name}`);
    assert.equal(required, place === "path");
  }
  if (requestBody === undefined) return;
  assert.equal(typeof requestBody.required, "boolean");
  assert.ok(Object.keys(requestBody.content).length > 0);
}

test("schemas use known keywords, say a type, and close their objects", () => {
  const open = new Set(["JournalRecord", "OpenAPI"]);
  const all = [
    ...Object.entries(document.components.schemas),
    ...operations.flatMap((each) =>
      schemasOf(each).map((schema): [string, Schema] => [schema.title ?? each.operationId, schema]),
    ),
  ];
  for (const [name, schema] of all) {
    for (const [at, each] of schemasIn(schema)) {
      assert.ok(isKnown(each), `${name} ${at}: ${Object.keys(each).join(", ")}`);
      const says = ["type", "$ref", "anyOf", "enum"].some((keyword) => keyword in each);
      assert.ok(says || open.has(name), `${name} ${at} says nothing`);
      if (each.type === "object") assert.ok("additionalProperties" in each, `${name} ${at}`);
    }
  }
});

test("the server has the routes of the document, by path and method, and the pages besides", async () => {
  const { ports } = memoryWorld();
  const sessions = createBrowserSessions(systemClock);
  const app = createHttp(controlRoutes(ports, sessions), { ports, sessions, door: "network" });
  await app.ready();
  const paths = pathsOfTree(app.printRoutes({ commonPrefix: false }));
  await app.close();
  const described = Object.keys(document.paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ":$1"));
  assert.deepEqual(paths.toSorted(), [...described, ...PAGES].toSorted());
  for (const [path, methods] of Object.entries(document.paths)) {
    const answer = await api.call("PUT", path.replaceAll(/\{\w+\}/g, "ada"));
    assert.equal(answer.status, 405);
    const allowed = (answer.headers.get("allow") ?? "").split(", ");
    const wanted = Object.keys(methods).map((method) => method.toUpperCase());
    assert.deepEqual(
      allowed.filter((method) => method !== "HEAD").toSorted(),
      wanted.toSorted(),
      path,
    );
  }
});

/** Each line holds its part of the path, four columns further in than what it continues. */
function pathsOfTree(tree: string): string[] {
  const above: string[] = [];
  return tree
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [, indent = "", part = ""] = /^(\W*?── )(\S+)/.exec(line) ?? [];
      const depth = indent.length / 4 - 1;
      above[depth] = (above[depth - 1] ?? "") + part;
      return above[depth];
    });
}
