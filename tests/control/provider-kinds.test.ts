/** The catalogue over the API: every kind once, in pages, and one by its name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { providerKinds } from "../../src/providers/catalogue.ts";
import { startApi } from "./api-client.ts";

interface Kind {
  readonly kind: string;
  readonly settings: { readonly needed: readonly string[] };
  readonly keys_needed: boolean;
  readonly doors: readonly { readonly id: string; readonly format: string }[];
}

test("all kinds are listed page by page, and one is found by its name", async () => {
  const api = await startApi();
  try {
    const listed: string[] = [];
    let path: string | null = "/api/v1/provider-kinds?limit=20";
    while (path !== null) {
      const { body } = await api.get(path);
      listed.push(...(body["data"] as readonly Kind[]).map(({ kind }) => kind));
      const next = body["next_cursor"] as string | null;
      path = next === null ? null : `/api/v1/provider-kinds?limit=20&cursor=${next}`;
    }
    assert.deepEqual(listed, providerKinds().toSorted());

    const vertex = (await api.get("/api/v1/provider-kinds/vertex")).body as unknown as Kind;
    assert.deepEqual(vertex.settings.needed.toSorted(), ["location", "project"]);
    assert.deepEqual(
      vertex.doors.map(({ id, format }) => [id, format]),
      [
        ["anthropic", "vertex-anthropic"],
        ["gemini", "gemini"],
      ],
    );
    const ollama = (await api.get("/api/v1/provider-kinds/ollama")).body as unknown as Kind;
    assert.equal(ollama.keys_needed, false);
    assert.equal((await api.get("/api/v1/provider-kinds/constructor")).status, 404);
  } finally {
    await api.close();
  }
});

test("prices can be asked for at a kind of provider", async () => {
  const api = await startApi();
  try {
    const path = "/api/v1/prices/us.anthropic.claude-opus-5-5?kind=bedrock";
    const { body } = await api.get(path);
    assert.deepEqual((body["rates"] as { readonly input: string }).input, "4.4");
    const sonar = await api.get("/api/v1/prices/sonar?kind=perplexity");
    assert.equal(sonar.body["per_thousand_requests"], "12");
    const list = await api.get("/api/v1/prices?kind=openai&limit=1000");
    const prices = list.body["data"] as readonly { readonly model: string }[];
    const models = new Set(prices.map(({ model }) => model));
    assert.ok(models.has("gpt-6-sol") && !models.has("claude-opus-5-5"));
    assert.equal((await api.get("/api/v1/prices?kind=nobody")).status, 400);
  } finally {
    await api.close();
  }
});
