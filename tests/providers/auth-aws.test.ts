import assert from "node:assert/strict";
import { test } from "node:test";
import type { CloudCredential } from "../../src/providers/credential.ts";
import type { AuthScheme } from "../../src/providers/row.ts";
import type { Asked, TokenServer, World } from "./token-server.ts";
import { FAILURES, faultOf, headersOf, START_MS, tokenServer, world } from "./token-server.ts";

const SCHEME: AuthScheme = { kind: "aws-sigv4", service: "bedrock" };
type Aws = Extract<CloudCredential, { kind: "aws" }>;
const CHAIN: Aws = { kind: "aws", static: null, profile: null, instanceMetadata: false };
const HOUR_MS = 3_600_000;

function endAt(lifeMs: number): string {
  return new Date(START_MS + lifeMs).toISOString();
}

/** STS as it answers the query protocol; each key is named after the action and the role. */
function sts({ body }: Asked, lifeMs = HOUR_MS): readonly [number, string] {
  const form = new URLSearchParams(body);
  const id = `${form.get("Action")}-${form.get("RoleArn")?.split("/").at(-1)}`;
  return [
    200,
    `<R><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>` +
      `<SessionToken>lent</SessionToken><Expiration>${endAt(lifeMs)}</Expiration></Credentials></R>`,
  ];
}

async function keyId(of: World, credential: Aws = CHAIN, settings = {}): Promise<string> {
  const headers = await headersOf(of.authenticator(SCHEME, credential, settings));
  return /Credential=([^/]*)/.exec(headers["authorization"] ?? "")?.[1] ?? "";
}

async function sentence(of: World, credential: Aws = CHAIN): Promise<string> {
  return (await faultOf(of.authenticator(SCHEME, credential))).sentence;
}

const SOURCE = { AWS_ACCESS_KEY_ID: "AKIAENV", AWS_SECRET_ACCESS_KEY: "env+secret" };

test("static keys sign, for the region of the settings, the host or the environment", async () => {
  const keys = { accessKeyId: "AKIASTATIC", secretAccessKey: "s", sessionToken: null };
  const credential: Aws = { ...CHAIN, static: keys };
  const at = world({ ...SOURCE, AWS_REGION: "ap-south-1" });
  assert.equal(await keyId(at, credential), "AKIASTATIC");
  const scopeOf = async (origin: string, settings = {}): Promise<string> => {
    const request = { method: "GET", origin, path: "/", headers: {}, body: null };
    const result = await at.authenticator(SCHEME, credential, settings).headers(request);
    const text = result.ok ? (result.headers["authorization"] ?? "") : result.sentence;
    return /Credential=[^/]*\/\d+\/([^/]*)\/bedrock/.exec(text)?.[1] ?? text;
  };
  assert.equal(
    await scopeOf("https://bedrock-runtime.us-gov-west-1.amazonaws.com"),
    "us-gov-west-1",
  );
  assert.equal(
    await scopeOf("https://vpce-0a1b-2c.bedrock-runtime.eu-west-3.vpce.amazonaws.com"),
    "eu-west-3",
  );
  assert.equal(await scopeOf("https://bedrock.internal"), "ap-south-1");
  assert.equal(await scopeOf("https://bedrock.internal", { region: "eu-north-1" }), "eu-north-1");
});

test("a host without a region, where nothing else names one, is a fault", async () => {
  const at = world(SOURCE);
  const request = {
    method: "GET",
    origin: "https://b.example",
    path: "/",
    headers: {},
    body: null,
  };
  const result = await at.authenticator(SCHEME, CHAIN).headers(request);
  assert.match(result.ok ? "" : result.sentence, /names no region/);
});

test("the environment comes before the files, a named profile before both", async () => {
  const files = {
    "/home-of-nobody/.aws/credentials":
      "[default]\naws_access_key_id=AKIADEFAULT\naws_secret_access_key=s\n" +
      "[work]\naws_access_key_id=AKIAWORK\naws_secret_access_key=s\n",
  };
  assert.equal(await keyId(world(SOURCE, files)), "AKIAENV");
  assert.equal(await keyId(world({}, files)), "AKIADEFAULT");
  assert.equal(await keyId(world({ AWS_PROFILE: "work" }, files)), "AKIAWORK");
  assert.equal(await keyId(world(SOURCE, files), { ...CHAIN, profile: "work" }), "AKIAWORK");
  assert.match(await sentence(world({ AWS_PROFILE: "none" }, files)), /no AWS profile "none"/);
});

test("keys that are written anew are taken up without a restart", async () => {
  const path = "/home-of-nobody/.aws/credentials";
  const at = world({}, { [path]: "[default]\naws_access_key_id=OLD\naws_secret_access_key=s" });
  assert.equal(await keyId(at), "OLD");
  at.files[path] = "[default]\naws_access_key_id=NEW\naws_secret_access_key=s";
  at.step(60_000);
  assert.equal(await keyId(at), "OLD", "the file is read beside the request");
  assert.equal(await keyId(at), "NEW");
});

function podWith(server: TokenServer): World {
  const environment = {
    AWS_ROLE_ARN: "arn:aws:iam::1:role/pod",
    AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
    AWS_ENDPOINT_URL_STS: server.origin,
  };
  return world(environment, { "/token": "first-token\n" });
}

test("a pod's web identity: 200 requests, one call; renewed early with the file's new token", async () => {
  const server = await tokenServer((asked) => sts(asked, server.asked.length * HOUR_MS));
  const at = podWith(server);
  const ids = await Promise.all(Array.from({ length: 200 }, () => keyId(at)));
  assert.deepEqual([...new Set(ids)], ["AssumeRoleWithWebIdentity-pod"]);
  assert.equal(server.asked.length, 1);
  const [first] = server.asked;
  assert.deepEqual(Object.fromEntries(new URLSearchParams(first?.body)), {
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: "arn:aws:iam::1:role/pod",
    RoleSessionName: "tollgate",
    WebIdentityToken: "first-token",
  });
  assert.equal(first?.headers.authorization, undefined);
  const headers = await headersOf(at.authenticator(SCHEME, CHAIN));
  assert.equal(headers["x-amz-security-token"], "lent");
  at.files["/token"] = "second-token";
  at.step(0.8 * HOUR_MS);
  await Promise.all(Array.from({ length: 200 }, () => keyId(at)));
  while (server.asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.match(server.asked[1]?.body ?? "", /WebIdentityToken=second-token/);
  assert.equal(server.asked.length, 2);
});

test("a profile's role by the keys of another profile, which sign the call", async () => {
  const server = await tokenServer((asked) => sts(asked));
  const config =
    "[profile work]\nrole_arn=arn:aws:iam::1:role/worker\nsource_profile=base\nexternal_id=x-1\n" +
    "role_session_name=me\n[profile base]\naws_access_key_id=AKIABASE\naws_secret_access_key=s\n" +
    "[profile self]\nrole_arn=arn:aws:iam::1:role/own\nsource_profile=self\n" +
    "aws_access_key_id=AKIASELF\naws_secret_access_key=s\n" +
    "[profile env]\nrole_arn=arn:aws:iam::1:role/e\ncredential_source=Environment\n";
  const environment = { AWS_ENDPOINT_URL_STS: server.origin, ...SOURCE };
  const at = (): World => world(environment, { "/home-of-nobody/.aws/config": config });
  const settings = { region: "eu-west-1" };
  assert.equal(await keyId(at(), { ...CHAIN, profile: "work" }, settings), "AssumeRole-worker");
  const [asked] = server.asked;
  assert.match(
    asked?.headers.authorization ?? "",
    /Credential=AKIABASE\/20261123\/eu-west-1\/sts\//,
  );
  assert.match(asked?.body ?? "", /RoleSessionName=me&ExternalId=x-1/);
  assert.equal(await keyId(at(), { ...CHAIN, profile: "self" }), "AssumeRole-own");
  assert.match(server.asked[1]?.headers.authorization ?? "", /Credential=AKIASELF/);
  assert.equal(await keyId(at(), { ...CHAIN, profile: "env" }), "AssumeRole-e");
  assert.match(server.asked[2]?.headers.authorization ?? "", /Credential=AKIAENV/);
});

test("what a gateway cannot do with a profile is said in a sentence", async () => {
  const config =
    "[profile mfa]\nrole_arn=r\nsource_profile=mfa\nmfa_serial=m\n" +
    "[profile sso]\nsso_session=s\n[profile run]\ncredential_process=/bin/true\n" +
    "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nrole_arn=r\nsource_profile=a\n" +
    "[profile half]\naws_access_key_id=AKIA\n[profile lost]\nrole_arn=r\nsource_profile=nobody\n" +
    "[profile far]\nrole_arn=r\ncredential_source=Ec2InstanceMetadata\n";
  const of = (profile: string): Promise<string> =>
    sentence(world({}, { "/home-of-nobody/.aws/config": config }), { ...CHAIN, profile });
  assert.match(await of("mfa"), /"mfa" uses mfa_serial/);
  assert.match(await of("sso"), /"sso" uses sso_session/);
  assert.match(await of("run"), /"run" uses credential_process/);
  assert.match(await of("a"), /"a" is the source of its own role/);
  assert.match(await of("half"), /"half" holds no whole AWS access key/);
  assert.match(await of("lost"), /source_profile "nobody" has no credentials/);
  assert.match(await of("far"), /only with instance_metadata: true/);
});

/** What a container and an instance answer with, and an environment that leads there. */
async function metadata(): Promise<TokenServer & { readonly environment: Record<string, string> }> {
  const keys = (id: string) => ({
    Code: "Success",
    AccessKeyId: id,
    SecretAccessKey: "s",
    Token: "lent",
    Expiration: endAt(HOUR_MS),
  });
  const server = await tokenServer(({ method, path, headers }) => {
    if (path === "/container")
      return headers.authorization === "pod-token" ? [200, keys("CONT")] : [401, ""];
    if (method === "PUT") return path === "/latest/api/token" ? [200, "session-1"] : [404, ""];
    if (headers["x-aws-ec2-metadata-token"] !== "session-1") return [401, ""];
    if (path.endsWith("/security-credentials/")) return [200, "the role\n"];
    return path.endsWith("/the%20role") ? [200, keys("INST")] : [404, ""];
  });
  return { ...server, environment: { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.origin } };
}

test("instance metadata by its second version, behind its switch", async () => {
  const server = await metadata();
  assert.match(await sentence(world(server.environment)), /only with instance_metadata: true/);
  assert.equal(server.asked.length, 0, "no request goes out");
  const on: Aws = { ...CHAIN, instanceMetadata: true };
  assert.equal(await keyId(world(server.environment), on), "INST");
  assert.deepEqual(
    server.asked.map(({ method }) => method),
    ["PUT", "GET", "GET"],
  );
  const disabled = { ...server.environment, AWS_EC2_METADATA_DISABLED: "true" };
  assert.match(await sentence(world(disabled), on), /AWS_EC2_METADATA_DISABLED/);
});

test("a container's credentials with the token of its file, behind the same switch", async () => {
  const server = await metadata();
  const environment = {
    ...server.environment,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.origin}/container`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/pod",
  };
  const files = { "/pod": "pod-token" };
  assert.match(await sentence(world(environment, files)), /only with instance_metadata: true/);
  assert.equal(server.asked.length, 0, "no request goes out");
  const on: Aws = { ...CHAIN, instanceMetadata: true };
  assert.equal(await keyId(world(environment, files), on), "CONT");
  assert.match(await sentence(world(environment), on), /names \/pod, which cannot be read/);
  for (const url of ["http://10.0.0.1/", "http://a.example/", "file:///etc/passwd", "nonsense"]) {
    const elsewhere = { ...environment, AWS_CONTAINER_CREDENTIALS_FULL_URI: url };
    assert.match(await sentence(world(elsewhere, files), on), /not a container's/);
  }
});

test("a metadata service that lies, is silent or gone", async () => {
  const on: Aws = { ...CHAIN, instanceMetadata: true };
  const cases: readonly (readonly [readonly [number, string | object] | null, RegExp])[] = [
    [[200, { Code: "Failed" }], /has no access key \(Failed\)/],
    [[200, "<html>"], /without an access key/],
    [[200, "x".repeat(300_000)], /more than a token/],
    [[404, ""], /answered with 404/],
    [null, /cannot be reached/],
  ];
  for (const [answer, says] of cases) {
    const server = await tokenServer(() => answer);
    const environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.origin}/container` };
    assert.match(await sentence(world(environment), on), says);
  }
  const server = await tokenServer(() => [200, "no\nsession"]);
  const environment = { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.origin };
  assert.match(await sentence(world(environment), on), /cannot be reached \(Invalid character/);
});

for (const { name, isTemporary, says, answer } of FAILURES) {
  test(`an STS that ${name}`, async () => {
    const server = await tokenServer((_asked, response) => answer(response));
    const fault = await faultOf(podWith(server).authenticator(SCHEME, CHAIN));
    assert.match(fault.sentence, says);
    assert.deepEqual([fault.isTemporary, fault.retryAfterMs], [isTemporary, 1_000]);
    assert.equal(server.asked.length, 1);
  });
}

test("STS refuses, or lends what is over: the code is told, no token is", async () => {
  const server = await tokenServer((asked) =>
    server.asked.length === 1
      ? [403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"]
      : sts(asked, -1),
  );
  const denied = await faultOf(podWith(server).authenticator(SCHEME, CHAIN));
  assert.equal(denied.sentence, "AWS STS answered with 403 (AccessDenied)");
  assert.equal(denied.isTemporary, false);
  assert.match(await sentence(podWith(server)), /over already/);
});

test("STS in the clear is asked on this machine alone", async () => {
  const at = podWith({ origin: "http://sts.example", asked: [] });
  assert.match(await sentence(at), /not https: credentials are not sent/);
});
