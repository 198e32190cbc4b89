/** Exits with 0 where the gateway of this container is ready, else with 1 and the reasons: for HEALTHCHECK. */
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";

interface Answer {
  readonly status: number;
  readonly body: string;
}

const TIMEOUT_MS = 4_000;

/** The port of TOLLGATE_LISTEN, which the image sets. */
function portOf(listen: string | undefined): number {
  return Number(/:(\d+)$/.exec(listen ?? "")?.[1] ?? 8080);
}

function ask(secure: boolean): Promise<Answer> {
  const port = portOf(process.env["TOLLGATE_LISTEN"]);
  const path = "/health/ready";
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  // The certificate is for the gateway's own name, and this is asked from inside.
  const tls = secure ? { rejectUnauthorized: false } : {};
  const asked = { host: "127.0.0.1", port, path, signal, agent: false, ...tls };
  return new Promise((resolve, reject) => {
    const outgoing = (secure ? tlsRequest : plainRequest)(asked, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (part: string) => (body += part));
      answer.on("error", reject).on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    outgoing.on("error", reject).end();
  });
}

try {
  // Whether the gateway speaks TLS is in a file that this need not read.
  const { status, body } = await ask(false).catch(() => ask(true));
  process.stdout.write(`${body}\n`);
  process.exitCode = status === 200 ? 0 : 1;
} catch (error) {
  process.stdout.write(`${String(error)}\n`);
  process.exitCode = 1;
}
