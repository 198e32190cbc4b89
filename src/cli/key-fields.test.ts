/** What `keys create` makes of the words it is given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandFailed } from "./exit.ts";
import { keyFields } from "./key-fields.ts";

test("words become the fields of the file", () => {
  const fields = keyFields("ada", {
    team: "platform",
    owner: "ada@acme.example",
    label: ["cost_center=4711", "note=a=b", "empty="],
    budget: ["30/day", "$0.5/5h", "250/month@Europe/Berlin", "10/session"],
    limit: ["600 requests/minute", "2000000 input_tokens/1h", "5 concurrent"],
    provider: ["anthropic=claude-opus-*,claude-sonnet-*", "other"],
  });
  assert.deepEqual(fields, {
    id: "ada",
    team: "platform",
    owner: "ada@acme.example",
    labels: { cost_center: "4711", note: "a=b", empty: "" },
    budgets: [
      { usd: "30", per: "day" },
      { usd: "0.5", rolling: "5h" },
      { usd: "250", per: "month", time_zone: "Europe/Berlin" },
      { usd: "10", per: "session" },
    ],
    rate_limits: [
      { requests: 600, per: "minute" },
      { input_tokens: 2_000_000, rolling: "1h" },
      { concurrent: 5 },
    ],
    providers: [{ id: "anthropic", models: ["claude-opus-*", "claude-sonnet-*"] }, { id: "other" }],
  });
});

test("fields that were not named are not there", () => {
  assert.deepEqual(keyFields("ada", { team: "platform" }), { id: "ada", team: "platform" });
});

for (const words of [
  { budget: ["30"] },
  { budget: ["thirty/day"] },
  { budget: ["-1/day"] },
  { limit: ["600/minute"] },
  { limit: ["x requests/minute"] },
  { label: ["nothing"] },
  { label: ["=value"] },
]) {
  test(`${JSON.stringify(words)} is refused with an example of what is right`, () => {
    assert.throws(
      () => keyFields("ada", { team: "platform", ...words }),
      (error) =>
        error instanceof CommandFailed && error.exitCode === 2 && /such as/.test(error.message),
    );
  });
}
