/** What a Messages body needs to become one of Bedrock's InvokeModel: splices, and no other byte changed. */
import type { MessagesBody } from "../anthropic/body.ts";
import { editMembers } from "../anthropic/members.ts";
import type { Edit } from "../anthropic/splice.ts";
import { bedrockBetas } from "../bedrock-converse/betas.ts";

const VERSION = "bedrock-2023-05-31";

/**
 * Edits for InvokeModel and InvokeModelWithResponseStream, where the path names the model and says
 * whether to stream, and the body carries what are headers elsewhere: `model` and `stream` go with their
 * commas; `anthropic_version` and, where there are any, `anthropic_beta` come at the end. A body that has
 * one of these two keeps its own. May be joined with any edits but one of `model`.
 *
 * Source: Amazon Bedrock user guide, "Anthropic Claude Messages API"; the vendor's Bedrock client; 2026-11.
 *
 * @param betas Values of the request's `anthropic-beta` header, in their order; those that Bedrock does not
 * know are left out (`bedrockBetas` names them).
 */
export function invokeEdits(
  body: MessagesBody,
  chunks: readonly Buffer[],
  betas: readonly string[],
): Edit[] {
  const { sent } = bedrockBetas(betas);
  return editMembers(body, chunks, {
    remove: ["model", "stream"],
    add: {
      anthropic_version: JSON.stringify(VERSION),
      ...(sent.length > 0 ? { anthropic_beta: JSON.stringify(sent) } : {}),
    },
  });
}
