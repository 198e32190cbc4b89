import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/core/time.ts";
import { createAuthenticators } from "../../src/providers/auth/authenticator.ts";
import type { CloudCredential } from "../../src/providers/credential.ts";
import type { AuthScheme } from "../../src/providers/row.ts";
import { createUndiciClient } from "../../src/providers/undici-client.ts";
import { closeAtEnd } from "./implementations.ts";
import type { TokenServer, World } from "./token-server.ts";
import { FAILURES, faultOf, headersOf, tokenServer, world } from "./token-server.ts";

const SCHEME: AuthScheme = { kind: "azure-entra", scope: "https://ai.azure.com/.default" };
const CREDENTIAL: CloudCredential = {
  kind: "azure",
  tenantId: "tenant/..",
  clientId: "client",
  clientSecret: "s3cret&more",
};

function worldWith({ origin }: TokenServer): World {
  return world({ AZURE_AUTHORITY_HOST: `${origin}/` });
}

test("client credentials become a token that is kept, renewed early and not lost in an outage", async () => {
  let isDown = false;
  const server = await tokenServer(() => {
    const token = { access_token: `token-${server.asked.length}`, expires_in: 3_599 };
    return isDown ? [500, {}] : [200, token];
  });
  const at = worldWith(server);
  const authenticator = at.authenticator(SCHEME, CREDENTIAL);
  for (let round = 0; round < 3; round++)
    assert.deepEqual(await headersOf(authenticator), { authorization: "Bearer token-1" });
  const [asked] = server.asked;
  assert.deepEqual([asked?.method, asked?.path], ["POST", "/tenant%2F../oauth2/v2.0/token"]);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(asked?.body)), {
    grant_type: "client_credentials",
    client_id: "client",
    client_secret: "s3cret&more",
    scope: "https://ai.azure.com/.default",
  });
  assert.equal(server.asked.length, 1);
  isDown = true;
  at.step(3_000_000);
  assert.deepEqual(await headersOf(authenticator), { authorization: "Bearer token-1" });
  at.step(560_000);
  assert.deepEqual(await headersOf(authenticator), { authorization: "Bearer token-1" });
  at.step(20_000);
  assert.match((await faultOf(authenticator)).sentence, /Microsoft Entra answered with 500/);
  isDown = false;
  at.step(60_000);
  const { authorization = "" } = await headersOf(authenticator);
  assert.match(authorization, /^Bearer token-\d$/);
  assert.notEqual(authorization, "Bearer token-1");
});

test("the authority is asked through the proxy that the node has", async () => {
  const proxy = await tokenServer(() => [200, { access_token: "by-proxy", expires_in: 60 }]);
  const client = createUndiciClient({
    connectTimeoutMs: 2_000,
    outbound: { proxyUrl: proxy.origin, caPem: null },
    maxConnectionsPerOrigin: 1,
  });
  closeAtEnd(() => client.close());
  const environment = { AZURE_AUTHORITY_HOST: "http://127.0.0.1:9" };
  const authenticators = createAuthenticators({ clock: systemClock, client, environment });
  const key = { secret: "", cloud: CREDENTIAL };
  const headers = await headersOf(authenticators.of("p/k", SCHEME, key, {}));
  assert.deepEqual(headers, { authorization: "Bearer by-proxy" });
  assert.equal(proxy.asked[0]?.path, "http://127.0.0.1:9/tenant%2F../oauth2/v2.0/token");
});

for (const { name, isTemporary, says, answer } of FAILURES) {
  test(`an authority that ${name}`, async () => {
    const server = await tokenServer((_asked, response) => answer(response));
    const fault = await faultOf(worldWith(server).authenticator(SCHEME, CREDENTIAL));
    assert.match(fault.sentence, says);
    assert.equal(fault.isTemporary, isTemporary);
    assert.doesNotMatch(fault.sentence, /s3cret/);
  });
}

test("a wrong secret is a lasting fault with Entra's code", async () => {
  const description = "AADSTS7000215: Invalid client secret provided";
  const server = await tokenServer(() => [
    401,
    { error: "invalid_client", error_description: description },
  ]);
  const fault = await faultOf(worldWith(server).authenticator(SCHEME, CREDENTIAL));
  assert.equal(fault.sentence, "Microsoft Entra answered with 401 (invalid_client)");
  assert.equal(fault.isTemporary, false);
});

test("a key keeps its tokens over a reload that changes nothing of it, and loses them with it", async () => {
  const server = await tokenServer(() => [
    200,
    { access_token: `token-${server.asked.length}`, expires_in: "3599" },
  ]);
  const at = worldWith(server);
  const first = at.authenticator(SCHEME, CREDENTIAL);
  await headersOf(first);
  assert.equal(at.authenticator({ ...SCHEME }, { ...CREDENTIAL }), first);
  const other = at.authenticator(SCHEME, { ...CREDENTIAL, clientSecret: "new" });
  assert.deepEqual(await headersOf(other), { authorization: "Bearer token-2" });
});

test("plain keys, no keys, and a key that does not fit its scheme", () => {
  const client = { send: () => assert.fail("no call is made"), close: () => Promise.resolve() };
  const clock = { wallMs: () => 0, monotonicMs: () => 0 };
  const authenticators = createAuthenticators({ clock, client, environment: {} });
  const request = {
    method: "GET",
    origin: "https://a.example",
    path: "/",
    headers: {},
    body: null,
  };
  const headers = (scheme: AuthScheme, cloud: CloudCredential | null = null) =>
    authenticators.of("p/k", scheme, { secret: "sk-1", cloud }, {}).headers(request);
  const bearer: AuthScheme = { kind: "header", name: "authorization", prefix: "Bearer " };
  assert.deepEqual(headers(bearer), { ok: true, headers: { authorization: "Bearer sk-1" } });
  assert.deepEqual(headers({ kind: "none" }), { ok: true, headers: {} });
  const misfits = [
    headers(bearer, CREDENTIAL),
    headers(SCHEME),
    headers({ kind: "aws-sigv4", service: "bedrock" }, CREDENTIAL),
    headers({ kind: "google-oauth", scope: "s" }),
  ];
  for (const misfit of misfits)
    assert.match("sentence" in misfit ? misfit.sentence : "", /^authentication by .* on the key$/);
});
