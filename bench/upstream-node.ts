/** The scripted upstream where there is no C compiler: what native/upstream.c does, at a higher cost. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { portOf } from "../tests/harness/ports.ts";
import { JSON_ANSWER, STREAM_EVENTS } from "./answers.ts";

const INTERVAL_MS = 10;
const REQUEST_ID = "req_011CSHoEeqs5C35K2UUqR7Fy";

const counts = { requests: 0, events: 0 };
let answer = "json";

const server = createServer((request, response) => void serve(request, response));
server.listen(0, "127.0.0.1", () => console.log(portOf(server)));
process.stdin.on("end", () => process.exit(0)).resume();

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await once(request.resume(), "end");
  const control = /^\/control\/(\w+)/.exec(request.url ?? "")?.[1];
  if (control !== undefined) {
    if (control !== "counts") answer = control;
    response.end(JSON.stringify(counts));
    return;
  }
  counts.requests++;
  response.setHeader("request-id", REQUEST_ID);
  if (answer !== "json") return stream(response);
  response.setHeader("content-type", "application/json");
  response.setHeader("content-length", Buffer.byteLength(JSON_ANSWER));
  response.end(JSON_ANSWER);
}

async function stream(response: ServerResponse): Promise<void> {
  response.setHeader("content-type", "text/event-stream; charset=utf-8");
  for (const event of STREAM_EVENTS) {
    if (response.destroyed) return;
    response.write(event);
    counts.events++;
    if (answer === "idle") return;
    await delay(waitMs());
  }
  response.end();
}

function waitMs(): number {
  return answer === "tick" ? INTERVAL_MS - (performance.now() % INTERVAL_MS) : INTERVAL_MS;
}
