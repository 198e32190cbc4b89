/** A Google service account of its own, and the token server that knows it. */
import { generateKeyPairSync, randomUUID, verify } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import { portOf } from "../ports.ts";
import type { ReceivedRequest } from "../upstream-request.ts";

export interface GoogleAccount {
  /** As Google writes it into a file. */
  readonly json: string;
  /** How many tokens have been given. */
  readonly given: () => number;
  /** Whether a request shows a token of this account. */
  readonly identifies: (request: ReceivedRequest) => boolean;
  readonly stop: () => Promise<void>;
}

const EMAIL = "gateway@tests.iam.gserviceaccount.com";

/** Starts the token server; it gives tokens only for assertions that the account's key has signed. */
export async function startGoogleAccount(): Promise<GoogleAccount> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const tokens = new Set<string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const [head = "", claims = "", signature = ""] = (form.get("assertion") ?? "").split(".");
      const signed = Buffer.from(`${head}.${claims}`);
      const isTrue = verify("RSA-SHA256", signed, publicKey, Buffer.from(signature, "base64url"));
      const said = isTrue
        ? (JSON.parse(Buffer.from(claims, "base64url").toString()) as { iss: string })
        : null;
      if (said?.iss !== EMAIL) {
        response.writeHead(400).end('{"error":"invalid_grant"}');
        return;
      }
      const token = `ya29.${randomUUID()}`;
      tokens.add(token);
      const given = { access_token: token, expires_in: 3599, token_type: "Bearer" };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(given));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const json = JSON.stringify({
    type: "service_account",
    project_id: "tests",
    private_key_id: "1",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    client_email: EMAIL,
    token_uri: `http://127.0.0.1:${portOf(server)}/token`,
  });
  return {
    json,
    given: () => tokens.size,
    identifies: ({ headers }) =>
      tokens.has(String(headers["authorization"]).replace("Bearer ", "")),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
