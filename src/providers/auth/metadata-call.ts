/** Calls to a machine's own metadata service: the one thing that goes round proxy and network guard. */
import { request } from "node:http";
import { temporaryFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import type { Machine } from "./machine.ts";
import { REPLY_BYTES_MAX } from "./token-call.ts";
import type { Reply } from "./token-call.ts";

/** It is one hop away, or there is none. */
const DEADLINE_MS = 2_000;

export interface MetadataCall {
  /** As sentences name it. */
  readonly server: string;
  readonly method: "GET" | "PUT";
  /** http:, at an address that the cloud documents or the node's own environment names. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Asks where the file has said `instance_metadata: true`, and nowhere else. Plain HTTP, no redirect,
 * no proxy: what answers is on this machine or next to it. Never rejects.
 */
export async function callMetadata(
  { callDeadlineMs }: Machine,
  call: MetadataCall,
): Promise<Reply | AuthFault> {
  try {
    return await exchange(call, Math.min(DEADLINE_MS, callDeadlineMs));
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    return temporaryFault(`${call.server} cannot be reached (${detail})`);
  }
}

/** Rejects where it breaks off, takes too long or cannot be asked like this. */
function exchange({ method, url, headers }: MetadataCall, deadlineMs: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(deadlineMs);
    const asked = request(url, { method, headers, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > REPLY_BYTES_MAX) response.destroy(new Error("it said more than a token"));
      });
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ ok: true, status: response.statusCode ?? 0, text });
      });
    });
    asked.on("error", reject).end();
  });
}
