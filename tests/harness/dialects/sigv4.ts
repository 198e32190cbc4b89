/** Verifies AWS Signature Version 4 on its own, step by step as AWS documents it. */
import { createHash, createHmac } from "node:crypto";
import type { ReceivedRequest } from "../upstream-request.ts";

/**
 * True where the request's signature is that of the secret, over its path, its signed headers and its body.
 *
 * Source: AWS, "Create a signed AWS API request": the path is encoded twice for all services but S3.
 */
export function isSignedBy(
  request: ReceivedRequest,
  key: { readonly id: string; readonly secret: string; readonly region: string },
): boolean {
  const said =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, credential = "", names = "", signature] =
    said.exec(String(request.headers["authorization"])) ?? [];
  const [id, day = "", region, service, end] = credential.split("/");
  const moment = String(request.headers["x-amz-date"]);
  if (id !== key.id || region !== key.region || service !== "bedrock" || end !== "aws4_request")
    return false;
  if (!moment.startsWith(day) || !names.split(";").includes("host")) return false;
  const [path = "", query = ""] = request.url.split("?");
  const canonical = [
    request.method,
    path.split("/").map(encodeURIComponent).join("/"),
    query,
    ...names.split(";").map((name) => `${name}:${String(request.headers[name]).trim()}`),
    "",
    names,
    sha256(request.body),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", moment, scope, sha256(canonical)].join("\n");
  const signingKey = [day, region, service, "aws4_request"].reduce<string | Buffer>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${key.secret}`,
  );
  return createHmac("sha256", signingKey).update(toSign).digest("hex") === signature;
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
