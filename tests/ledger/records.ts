/** Records and a journal for tests of what is made of them. */
import type { Journal } from "../../src/journal/journal.ts";
import type { AdmitRecord, JournalRecord } from "../../src/journal/record.ts";

/** An attempt of key ada, as the gateway records it; `of` says what else it is. */
export function admitRecord(
  of: Partial<Omit<AdmitRecord, "request">> & { readonly time: string; readonly request: string },
): AdmitRecord {
  return {
    type: "admit",
    attempt: 1,
    customer: "acme",
    team: "platform",
    owner: null,
    virtual_key: "ada",
    session: null,
    agent: null,
    parent_agent: null,
    task_type: "main",
    dialect: "anthropic",
    requested_model: "m",
    provider: "anthropic",
    provider_key: "main",
    model: "m",
    price: "listed",
    max_tokens: 1,
    clamped_max_tokens: null,
    waited_ms: 0,
    need: "10",
    input_need: "4",
    output_tokens: 6,
    output_pico: "1000",
    windows: [],
    limits: [],
    ...of,
    request: of.request as AdmitRecord["request"],
  };
}

/** A journal that only remembers; nothing else is asked of it. */
export function remembering(records: JournalRecord[]): Journal {
  type Asked = "intent" | "outcome" | "appendedSeq" | "writtenSeq" | "unavailable";
  const journal: Pick<Journal, Asked> = {
    intent: (record) => Promise.resolve(void records.push(record)),
    outcome: (record) => void records.push(record),
    appendedSeq: () => records.length,
    writtenSeq: () => records.length,
    unavailable: () => null,
  };
  return journal as Journal;
}
