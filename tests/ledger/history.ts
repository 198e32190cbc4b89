/** What scopes have spent, summed from the records themselves: what the views answer from their tables. */
import { nanoUsd, type NanoUsd } from "../../src/core/money.ts";
import type { AdmitRecord, JournalRecord } from "../../src/journal/record.ts";
import type { SpendingHistory } from "../../src/node/openings.ts";
import { isOf } from "./model.ts";

type Query = Parameters<SpendingHistory["spent"]>[0];

interface Charge {
  readonly admit: AdmitRecord;
  readonly amount: bigint;
}

/** The history of the records up to the one that a query names; `meanwhile` runs before each answer. */
export function historyOf(
  records: readonly JournalRecord[],
  meanwhile: () => void,
): SpendingHistory {
  return {
    spent: async (query) => {
      await Promise.resolve();
      meanwhile();
      return sumOf(chargesOf(records, query));
    },
    spenders: async (uptoSeq) => {
      await Promise.resolve();
      meanwhile();
      const keys = records
        .slice(0, uptoSeq)
        .flatMap((record) => (record.type === "admit" ? [record.virtual_key ?? ""] : []));
      return new Set(keys);
    },
    sessions: async (query) => {
      await Promise.resolve();
      meanwhile();
      const sessions = Map.groupBy(chargesOf(records, query), ({ admit }) =>
        JSON.stringify([admit.virtual_key, admit.session]),
      );
      return [...sessions].map(([key, charges]) => {
        const [virtualKey, session] = JSON.parse(key) as [string, string | null];
        return { virtualKey, session, spent: sumOf(charges) };
      });
    },
  };
}

function sumOf(charges: readonly Charge[]): NanoUsd {
  return nanoUsd(charges.reduce((sum, { amount }) => sum + amount, 0n));
}

function chargesOf(records: readonly JournalRecord[], query: Query): Charge[] {
  const { scope, fromMs, toMs = Infinity, uptoSeq } = query;
  const admits = new Map<string, AdmitRecord>();
  const charges: Charge[] = [];
  for (const record of records.slice(0, uptoSeq)) {
    if (record.type === "admit") admits.set(record.request, record);
    if (record.type !== "settle" && record.type !== "correction") continue;
    const admit = admits.get(record.request);
    if (admit === undefined || !isOf(scope, subjectOf(admit))) continue;
    const admittedMs = Date.parse(admit.time);
    const amount = BigInt(record.type === "settle" ? record.cost : record.delta);
    if (admittedMs >= fromMs && admittedMs < toMs) charges.push({ admit, amount });
  }
  return charges;
}

/** Whom a record's attempt is charged to. */
function subjectOf(record: AdmitRecord) {
  const { customer, team, owner, virtual_key: key, provider, session } = record;
  return {
    customer: customer ?? "",
    team: team ?? "",
    owner,
    key: key ?? "",
    provider,
    session,
    agent: record.agent,
  };
}
