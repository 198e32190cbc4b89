/** AWS Signature Version 4 over a request whose body lies in chunks. */
import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsKeys } from "./aws-keys.ts";

export interface Signable {
  readonly method: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** As it is sent: path with query, percent-encoded. */
  readonly path: string;
  /** Names in lower case; only content-type and AWS's own are signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: readonly Buffer[] | null;
}

export interface SigningScope {
  readonly keys: AwsKeys;
  readonly region: string;
  readonly service: string;
  /** Unix milliseconds. AWS refuses a signature whose time is more than five minutes away. */
  readonly wallMs: number;
}

/**
 * The headers that sign the request: authorization, x-amz-date, x-amz-content-sha256, and
 * x-amz-security-token with keys that are lent. Headers that are not signed may be changed on the way;
 * method, host, path, query and every byte of the body may not.
 *
 * Source: AWS, "Create a signed AWS API request".
 */
export async function signAws(
  request: Signable,
  { keys, region, service, wallMs }: SigningScope,
): Promise<Record<string, string>> {
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  const signer = new SignatureV4({
    service,
    region,
    sha256: Sha256,
    applyChecksum: false,
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === null ? {} : { sessionToken }),
    },
  });
  const { protocol, host, hostname } = new URL(request.origin);
  const [path = "", ...queries] = request.path.split("?");
  const before = headersToSign(request, host);
  const signed = await signer.sign(
    {
      method: request.method,
      protocol,
      hostname,
      path,
      query: queryOf(queries.join("?")),
      headers: before,
    },
    { signingDate: new Date(wallMs) },
  );
  const added = Object.entries(signed.headers).filter(([name]) => name !== "host");
  return Object.fromEntries(added);
}

function headersToSign(request: Signable, host: string): Record<string, string> {
  const kept = Object.entries(request.headers).filter(
    ([name]) => name === "content-type" || (name.startsWith("x-amz-") && !OURS.has(name)),
  );
  return { ...Object.fromEntries(kept), host, "x-amz-content-sha256": sha256Of(request.body) };
}

/** Whatever a caller says of them. */
const OURS: ReadonlySet<string> = new Set([
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-content-sha256",
]);

function queryOf(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  const params = new URLSearchParams(text);
  for (const name of params.keys()) {
    const values = params.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? "") : values;
  }
  return query;
}

function sha256Of(body: readonly Buffer[] | null): string {
  const hash = createHash("sha256");
  for (const chunk of body ?? []) hash.update(chunk);
  return hash.digest("hex");
}

type Bytes = string | ArrayBuffer | ArrayBufferView;

/** The hash, or with a secret the HMAC, as the signer wants it. */
class Sha256 {
  readonly #state: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(secret?: Bytes) {
    this.#state =
      secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: Bytes): void {
    this.#state.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#state.digest());
  }

  /** The signer makes a new one for every hash. */
  reset(): void {}
}

function bytesOf(data: Bytes): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}
