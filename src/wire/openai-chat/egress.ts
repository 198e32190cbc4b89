/** The translator between the Messages API and OpenAI's chat completions. */
import type { Egress } from "../egress.ts";
import { chatAnswer } from "./answer.ts";
import { chatFault } from "./fault.ts";
import { CHAT_LOSSES } from "./losses.ts";
import { chatRequest } from "./request.ts";

/** Every server that speaks chat completions; they differ in quirks alone. */
export const openaiChat: Egress = {
  losses: CHAT_LOSSES,
  request: chatRequest,
  answer: chatAnswer,
  fault: chatFault,
};
