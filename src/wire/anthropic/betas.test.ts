import assert from "node:assert/strict";
import { test } from "node:test";
import { cloudBetas } from "./betas.ts";

test("what Claude Code sends by default becomes what clouds take, the rest is named", () => {
  const asked = [
    "claude-code-20250219",
    "interleaved-thinking-2025-05-14",
    "context-management-2025-06-27",
    "effort-2025-11-24",
  ];
  assert.deepEqual(cloudBetas(asked), {
    sent: ["interleaved-thinking-2025-05-14", "context-management-2025-06-27"],
    left: ["claude-code-20250219", "effort-2025-11-24"],
  });
});
