/** The translator to Gemini, which the Gemini API and Vertex speak alike. */
import type { Egress } from "../egress.ts";
import { geminiAnswer } from "./answer.ts";
import { geminiFault } from "./fault.ts";
import { GEMINI_LOSSES } from "./losses.ts";
import { geminiRequest } from "./request.ts";

/** Canonical requests to `generateContent` and `streamGenerateContent?alt=sse`, and their answers back. */
export const gemini: Egress = {
  losses: GEMINI_LOSSES,
  request: geminiRequest,
  answer: geminiAnswer,
  fault: geminiFault,
};
