/** Bedrock's Converse and ConverseStream as an upstream dialect: any model of Bedrock's, in one format. */
import type { Egress } from "../egress.ts";
import { converseAnswer } from "./answer.ts";
import { bedrockFault } from "./fault.ts";
import { CONVERSE_LOSSES } from "./losses.ts";
import { converseRequest } from "./request.ts";

/** Streamed answers are event-stream frames (`application/vnd.amazon.eventstream`), not server-sent events. */
export const bedrockConverse: Egress = {
  losses: CONVERSE_LOSSES,
  request: converseRequest,
  answer: converseAnswer,
  fault: bedrockFault,
};
