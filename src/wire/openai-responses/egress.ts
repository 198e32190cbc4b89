/** The OpenAI Responses dialect: requests to it, and its answers and errors back. */
import type { Egress } from "../egress.ts";
import { faultOfBody } from "./fault.ts";
import { RESPONSES_LOSSES } from "./losses.ts";
import { responsesRequest } from "./request.ts";
import { StreamAnswer } from "./stream.ts";
import { WholeAnswer } from "./whole.ts";

/** Translates for `POST /v1/responses`, of OpenAI and of servers that speak its dialect. */
export const openaiResponses: Egress = {
  losses: RESPONSES_LOSSES,
  request: responsesRequest,
  answer: (context) => (context.streamed ? new StreamAnswer(context) : new WholeAnswer(context)),
  fault: faultOfBody,
};
