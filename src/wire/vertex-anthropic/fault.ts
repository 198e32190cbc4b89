/** Error bodies of Vertex AI's Claude: the model's own envelope, or Google's about everything before it. */
import type { UpstreamFault } from "../answer.ts";
import { readErrorEnvelope } from "../anthropic/usage.ts";
import { geminiFault } from "../gemini/fault.ts";

/** The fault that an error body tells of (300 and up), whoever on the way wrote it. */
export function vertexFault(status: number, body: Buffer): UpstreamFault {
  return readErrorEnvelope(body) ?? geminiFault(status, body);
}
