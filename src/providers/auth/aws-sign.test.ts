/** Against AWS's own published examples, and against the specification computed by hand. */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { signAws } from "./aws-sign.ts";
import type { Signable } from "./aws-sign.ts";

const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, data: string): Buffer =>
  createHmac("sha256", key).update(data).digest();

interface ByHand {
  readonly method: string;
  /** Encoded a second time, as every service but S3 wants it. */
  readonly canonicalPath: string;
  readonly canonicalQuery: string;
  /** In order of their names. */
  readonly headers: readonly (readonly [string, string])[];
  readonly payloadHash: string;
  /** Day, region, service. */
  readonly scope: readonly [string, string, string];
  readonly date: string;
  readonly secret: string;
}

/** The steps of "Create a signed AWS API request", one after the other. */
function signatureByHand(from: ByHand): string {
  const names = from.headers.map(([name]) => name).join(";");
  const lines = from.headers.map(([name, value]) => `${name}:${value}\n`).join("");
  const canonical = [from.method, from.canonicalPath, from.canonicalQuery, lines, names];
  const request = [...canonical, from.payloadHash].join("\n");
  const scope = [...from.scope, "aws4_request"].join("/");
  const toSign = ["AWS4-HMAC-SHA256", from.date, scope, sha256(request)].join("\n");
  const [day, region, service] = from.scope;
  const key = hmac(hmac(hmac(hmac(`AWS4${from.secret}`, day), region), service), "aws4_request");
  return hmac(key, toSign).toString("hex");
}

/** Of the signature test suite that AWS publishes: post-vanilla and get-vanilla. */
for (const [method, signature] of [
  ["GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
] as const) {
  test(`the computation by hand gives the published signature of ${method}`, () => {
    const date = "20150830T123600Z";
    const byHand = signatureByHand({
      method,
      canonicalPath: "/",
      canonicalQuery: "",
      headers: [
        ["host", "example.amazonaws.com"],
        ["x-amz-date", date],
      ],
      payloadHash: sha256(""),
      scope: ["20150830", "us-east-1", "service"],
      date,
      secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    });
    assert.equal(byHand, signature);
  });
}

/** Of the S3 manual, "Examples: Signature calculations": both sign the payload's hash as a header. */
for (const [query, signature] of [
  ["lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
  ["max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
] as const) {
  test(`the published signature of GET /?${query}`, async () => {
    const request: Signable = {
      method: "GET",
      origin: "https://examplebucket.s3.amazonaws.com",
      path: `/?${query}`,
      headers: {},
      body: null,
    };
    const keys = {
      accessKeyId: "AKIAIOSFODNN7EXAMPLE",
      secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      sessionToken: null,
    };
    const wallMs = Date.parse("2013-05-24T00:00:00Z");
    const headers = await signAws(request, { keys, region: "us-east-1", service: "s3", wallMs });
    assert.equal(
      headers["authorization"],
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
        `SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
    );
  });
}

const KEYS = { accessKeyId: "AKIA", secretAccessKey: "s3cret", sessionToken: "lent+token/=" };
const MODEL = "anthropic.claude-sonnet-5-v1%3A0";

test("a body in chunks, a model's encoded path, a lent key and headers of the client's", async () => {
  const chunks = [
    Buffer.from('{"a":"ä'),
    Buffer.alloc(0),
    Buffer.alloc(70_000, 98),
    Buffer.from('"}'),
  ];
  const request: Signable = {
    method: "POST",
    origin: "https://bedrock-runtime.eu-central-1.amazonaws.com:8443",
    path: `/model/${MODEL}/invoke?b=2&a=1?x&b=1`,
    headers: {
      "content-type": "application/json",
      "user-agent": "any",
      "x-amz-date": "forged",
      "x-amz-security-token": "forged",
      "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
      "x-amzn-bedrock-trace": "ENABLED",
      "x-amz-target": "t",
    },
    body: chunks,
  };
  const scope = { keys: KEYS, region: "eu-central-1", service: "bedrock" };
  const signed = await signAws(request, { ...scope, wallMs: Date.parse("2026-11-23T10:20:30Z") });
  const payloadHash = sha256(Buffer.concat(chunks));
  const date = "20261123T102030Z";
  const signature = signatureByHand({
    method: "POST",
    canonicalPath: `/model/${MODEL.replace("%", "%25")}/invoke`,
    canonicalQuery: "a=1%3Fx&b=1&b=2",
    headers: [
      ["content-type", "application/json"],
      ["host", "bedrock-runtime.eu-central-1.amazonaws.com:8443"],
      ["x-amz-content-sha256", payloadHash],
      ["x-amz-date", date],
      ["x-amz-security-token", KEYS.sessionToken],
      ["x-amz-target", "t"],
    ],
    payloadHash,
    scope: ["20261123", "eu-central-1", "bedrock"],
    date,
    secret: KEYS.secretAccessKey,
  });
  assert.match(signed["authorization"] ?? "", new RegExp(`Signature=${signature}$`));
  assert.equal(signed["x-amz-security-token"], KEYS.sessionToken);
  assert.equal(signed["x-amz-content-sha256"], payloadHash);
  assert.equal(signed["x-amz-date"], date);
  assert.equal(signed["host"], undefined);
  assert.equal(request.headers["x-amz-date"], "forged", "what was given is not changed");
});

test("how a body is cut makes no difference; one byte does", async () => {
  const scope = { keys: KEYS, region: "r", service: "s", wallMs: 0 };
  const sign = (...parts: string[]) =>
    signAws(
      {
        method: "POST",
        origin: "https://a.example",
        path: "/",
        headers: {},
        body: parts.map((part) => Buffer.from(part)),
      },
      scope,
    );
  const [whole, cut, other] = [
    await sign("abcdef"),
    await sign("ab", "cde", "f"),
    await sign("abcdeg"),
  ];
  assert.deepEqual(whole, cut);
  assert.notEqual(whole["authorization"], other["authorization"]);
});
