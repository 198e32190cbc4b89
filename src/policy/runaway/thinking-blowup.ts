/** Thinking blow-up: an answer costs tens of thousands of tokens and shows next to nothing. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { isWork, type Detector } from "./event.ts";

export function thinkingBlowup(): Detector<LimitsOf<"thinking_blowup">> {
  return {
    answer({ request, outputTokens, visibleBytes, timeMs }, limits) {
      if (!isWork(request)) return null;
      if (outputTokens <= limits.output_tokens || visibleBytes >= limits.visible_bytes) return null;
      const seconds = Math.round((timeMs - request.timeMs) / 1000);
      return {
        sentence:
          `One answer took ${outputTokens} tokens of output and ${seconds} s, and showed ` +
          `about ${visibleBytes} bytes.`,
        evidence: { output_tokens: outputTokens, visible_bytes: visibleBytes, seconds },
      };
    },
  };
}
