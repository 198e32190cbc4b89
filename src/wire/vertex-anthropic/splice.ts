/** What a Messages body needs to become one of Vertex AI's: splices, and no other byte changed. */
import type { MessagesBody } from "../anthropic/body.ts";
import { editMembers } from "../anthropic/members.ts";
import type { Edit } from "../anthropic/splice.ts";

/** A JSON text. */
export const VERTEX_VERSION = JSON.stringify("vertex-2023-10-16");

/**
 * Edits for rawPredict and streamRawPredict: the path names the model, so `model` goes with its comma;
 * `anthropic_version` comes at the end, unless the body has one. `stream` stays, and betas stay in the
 * `anthropic-beta` header. May be joined with any edits but one of `model`.
 *
 * Source: Google Cloud, "Request predictions with Claude models"; the vendor's Vertex client; 2026-11.
 */
export function vertexEdits(body: MessagesBody, chunks: readonly Buffer[]): Edit[] {
  return editMembers(body, chunks, {
    remove: ["model"],
    add: { anthropic_version: VERTEX_VERSION },
  });
}

/**
 * The same for a count of tokens, which is asked of the publisher model `count-tokens` by rawPredict: the
 * body goes on naming the model, by its name at Vertex.
 */
export function vertexCountEdits(body: MessagesBody, chunks: readonly Buffer[]): Edit[] {
  return editMembers(body, chunks, { remove: [], add: { anthropic_version: VERTEX_VERSION } });
}
