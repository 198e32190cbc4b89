/** The journal's record of an admission, as far as a hold must carry one where no journal is kept. */
import type { RequestId } from "../../src/core/ids.ts";
import type { AdmitRecord } from "../../src/journal/record.ts";

/** A record that nobody reads: the ledger counts by the hold's own fields. */
export function recordOf(model: string): AdmitRecord {
  return {
    type: "admit",
    time: "2026-11-24T00:00:00.000Z",
    request: "req_simulated" as RequestId,
    attempt: 1,
    customer: null,
    team: null,
    owner: null,
    virtual_key: null,
    session: null,
    agent: null,
    parent_agent: null,
    task_type: "main",
    dialect: "anthropic",
    requested_model: model,
    provider: "anthropic",
    provider_key: "main",
    model,
    price: "listed",
    max_tokens: null,
    clamped_max_tokens: null,
    waited_ms: 0,
    need: "0",
    input_need: "0",
    output_tokens: 0,
    output_pico: "0",
    windows: [],
    limits: [],
  };
}
