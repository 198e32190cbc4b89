import assert from "node:assert/strict";
import { generateKeyPairSync, verify } from "node:crypto";
import { test } from "node:test";
import type { CloudCredential } from "../../src/providers/credential.ts";
import type { AuthScheme } from "../../src/providers/row.ts";
import type { TokenServer, World } from "./token-server.ts";
import { FAILURES, faultOf, headersOf, START_MS, tokenServer, world } from "./token-server.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const SCHEME: AuthScheme = { kind: "google-oauth", scope: SCOPE };
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }).toString();

function google(json: object | null = null, instanceMetadata = false): CloudCredential {
  const credentialsJson = json === null ? null : JSON.stringify(json);
  return { kind: "google", credentialsJson, instanceMetadata };
}

function account({ origin }: Pick<TokenServer, "origin">): object {
  return {
    type: "service_account",
    client_email: "robot@project.iam.gserviceaccount.com",
    private_key: PEM,
    private_key_id: "key-1",
    token_uri: `${origin}/token`,
  };
}

/** A new token with every answer. */
async function issuer(lifeSeconds: unknown = 3_600): Promise<TokenServer> {
  const server = await tokenServer(() => [
    200,
    {
      access_token: `token-${server.asked.length}`,
      expires_in: lifeSeconds,
      token_type: "Bearer",
    },
  ]);
  return server;
}

async function tokenOf(of: World, credential: CloudCredential): Promise<string> {
  return (await headersOf(of.authenticator(SCHEME, credential)))["authorization"] ?? "";
}

async function sentence(of: World, credential: CloudCredential): Promise<string> {
  return (await faultOf(of.authenticator(SCHEME, credential))).sentence;
}

test("a service account's assertion is signed by its key and says what it is for", async () => {
  const server = await issuer();
  const at = world();
  assert.equal(await tokenOf(at, google(account(server))), "Bearer token-1");
  const form = new URLSearchParams(server.asked[0]?.body);
  assert.equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  const [header = "", claims = "", signature = ""] = form.get("assertion")?.split(".") ?? [];
  const signed = Buffer.from(signature, "base64url");
  assert.ok(verify("RSA-SHA256", Buffer.from(`${header}.${claims}`), publicKey, signed));
  const decoded = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
  assert.deepEqual(decoded(header), { alg: "RS256", typ: "JWT", kid: "key-1" });
  assert.deepEqual(decoded(claims), {
    iss: "robot@project.iam.gserviceaccount.com",
    scope: SCOPE,
    aud: `${server.origin}/token`,
    iat: START_MS / 1_000,
    exp: START_MS / 1_000 + 3_600,
  });
});

test("a token at hand is given at once; at its end 200 requests wait for one new one", async () => {
  const server = await issuer();
  const at = world();
  const authenticator = at.authenticator(SCHEME, google(account(server)));
  await headersOf(authenticator);
  const request = {
    method: "GET",
    origin: "https://a.example",
    path: "/",
    headers: {},
    body: null,
  };
  assert.deepEqual(authenticator.headers(request), {
    ok: true,
    headers: { authorization: "Bearer token-1" },
  });
  at.step(3_600_000);
  const all = await Promise.all(Array.from({ length: 200 }, () => headersOf(authenticator)));
  assert.ok(all.every(({ authorization }) => authorization === "Bearer token-2"));
  assert.equal(server.asked.length, 2);
});

test("the file that the environment names, then gcloud's, then nothing", async () => {
  const server = await issuer();
  const person = {
    type: "authorized_user",
    client_id: "id",
    client_secret: "secret",
    refresh_token: "refresh",
    token_uri: `${server.origin}/token`,
  };
  const files = {
    "/adc.json": JSON.stringify(account(server)),
    "/home-of-nobody/.config/gcloud/application_default_credentials.json": JSON.stringify(person),
  };
  await tokenOf(world({ GOOGLE_APPLICATION_CREDENTIALS: "/adc.json" }, files), google());
  await tokenOf(world({}, files), google());
  const [first, second] = server.asked.map(({ body }) =>
    Object.fromEntries(new URLSearchParams(body)),
  );
  assert.equal(first?.["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
  assert.deepEqual(second, {
    grant_type: "refresh_token",
    client_id: "id",
    client_secret: "secret",
    refresh_token: "refresh",
  });
  const missing = world({ GOOGLE_APPLICATION_CREDENTIALS: "/none" });
  assert.match(await sentence(missing, google()), /names \/none, which cannot be read/);
  assert.match(await sentence(world(), google()), /only with instance_metadata: true/);
});

test("the metadata server, behind its switch", async () => {
  const server = await issuer();
  const environment = { GCE_METADATA_HOST: server.origin.slice("http://".length) };
  assert.match(await sentence(world(environment), google()), /only with instance_metadata: true/);
  assert.equal(server.asked.length, 0, "no request goes out");
  assert.equal(await tokenOf(world(environment), google(null, true)), "Bearer token-1");
  const [asked] = server.asked;
  assert.equal(asked?.headers["metadata-flavor"], "Google");
  assert.equal(
    asked?.path,
    "/computeMetadata/v1/instance/service-accounts/default/token" +
      `?scopes=${encodeURIComponent(SCOPE)}`,
  );
});

/** The token exchange, and the service that lends another account's token. */
function federation(): Promise<TokenServer> {
  return tokenServer(({ path }) => {
    if (path === "/sts") return [200, { access_token: "federated", expires_in: 3_600 }];
    if (path === "/subject") return [200, { id_token: "subject-of-url" }];
    const expireTime = new Date(START_MS + 3_600_000).toISOString();
    return [200, { accessToken: "acting", expireTime }];
  });
}

function external({ origin }: TokenServer, source: object, more: object = {}): object {
  return {
    type: "external_account",
    audience: "//iam.googleapis.com/projects/1/pool",
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    token_url: `${origin}/sts`,
    credential_source: source,
    ...more,
  };
}

test("workload identity: a file's token is exchanged, and acts as a service account", async () => {
  const server = await federation();
  const actsAs = {
    service_account_impersonation_url: `${server.origin}/robot:generateAccessToken`,
  };
  const at = world({}, { "/subject": "subject-token\n" });
  const credential = google(external(server, { file: "/subject" }, actsAs));
  assert.equal(await tokenOf(at, credential), "Bearer acting");
  assert.deepEqual(Object.fromEntries(new URLSearchParams(server.asked[0]?.body)), {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    audience: "//iam.googleapis.com/projects/1/pool",
    scope: SCOPE,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    subject_token: "subject-token",
  });
  assert.equal(server.asked[1]?.headers.authorization, "Bearer federated");
  assert.deepEqual(JSON.parse(server.asked[1]?.body ?? ""), { scope: [SCOPE], lifetime: "3600s" });
});

test("workload identity: a subject in JSON, in a file or behind a plain URL with its switch", async () => {
  const server = await federation();
  const format = { type: "json", subject_token_field_name: "id_token" };
  const files = { "/subject": '{"id_token":"subject-of-file"}' };
  const inFile = google(external(server, { file: "/subject", format }));
  assert.equal(await tokenOf(world({}, files), inFile), "Bearer federated");
  const source = { url: `${server.origin}/subject`, format, headers: { Metadata: "True" } };
  assert.match(
    await sentence(world(), google(external(server, source))),
    /instance_metadata: true/,
  );
  assert.equal(server.asked.length, 1, "no request goes out");
  assert.equal(await tokenOf(world(), google(external(server, source), true)), "Bearer federated");
  assert.equal(server.asked[1]?.headers["metadata"], "True");
  const subjects = server.asked.map(({ body }) => new URLSearchParams(body).get("subject_token"));
  assert.deepEqual(subjects, ["subject-of-file", null, "subject-of-url"]);
  const run = google(external(server, { executable: { command: "/bin/true" } }));
  assert.match(await sentence(world(), run), /executable is none of file and url/);
});

test("an account that acts as another one", async () => {
  const [server, lender] = [await issuer(), await federation()];
  const credential = google({
    type: "impersonated_service_account",
    source_credentials: account(server),
    service_account_impersonation_url: `${lender.origin}/robot:generateAccessToken`,
  });
  assert.equal(await tokenOf(world(), credential), "Bearer acting");
  assert.equal(lender.asked[0]?.headers.authorization, "Bearer token-1");
});

for (const { name, isTemporary, says, answer } of FAILURES) {
  test(`a token server that ${name}`, async () => {
    const server = await tokenServer((_asked, response) => answer(response));
    const fault = await faultOf(world().authenticator(SCHEME, google(account(server))));
    assert.match(fault.sentence, says);
    assert.deepEqual([fault.isTemporary, fault.retryAfterMs], [isTemporary, 1_000]);
  });
}

for (const life of [0, -1, "soon", null, {}, []]) {
  test(`a token that lives ${JSON.stringify(life)} is none`, async () => {
    const server = await issuer(life);
    assert.match(await sentence(world(), google(account(server))), /over already/);
  });
}

test("a token that no header can carry is none", async () => {
  const server = await tokenServer(() => [200, { access_token: "a\r\nb: c", expires_in: 60 }]);
  assert.match(await sentence(world(), google(account(server))), /without a token/);
});

test("a refusal names Google's code and nothing that is secret", async () => {
  const refusal = { error: "invalid_grant", error_description: `of ${PEM}` };
  const server = await tokenServer(() => [400, refusal]);
  const fault = await faultOf(world().authenticator(SCHEME, google(account(server))));
  assert.equal(fault.sentence, "Google's token server answered with 400 (invalid_grant)");
  assert.equal(fault.isTemporary, false);
});

test("credentials that are none, or would be sent in the clear", async () => {
  const plain = { origin: "http://tokens.example" };
  assert.match(await sentence(world(), google(account(plain))), /credentials are not sent/);
  const broken = { ...account(plain), private_key: "nonsense" };
  assert.match(await sentence(world(), google(broken)), /private_key cannot be read/);
  assert.match(await sentence(world(), google({})), /no Google credential of a kind/);
  const none: CloudCredential = { kind: "google", credentialsJson: "{", instanceMetadata: false };
  assert.match(await sentence(world(), none), /no Google credential of a kind/);
});
