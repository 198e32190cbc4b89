/** Everything that a node keeps in memory and can rebuild from its journal alone. */
import { Identities } from "../identity/changes.ts";
import { MadeEntities } from "../identity/made.ts";
import { Repeats } from "../identity/repeats.ts";
import type { JournalRecord } from "../journal/record.ts";
import { applyRecord, type FoldState } from "../ledger/fold.ts";
import { Ledger } from "../ledger/ledger.ts";
import { restoreSnapshot, snapshotOf, type LedgerSnapshot } from "../ledger/snapshot.ts";
import { Findings } from "../policy/runaway/findings.ts";
import { SessionBook } from "../policy/sessions/book.ts";

export interface NodeState {
  readonly fold: FoldState;
  readonly identities: Identities;
  readonly made: MadeEntities;
  readonly repeats: Repeats;
  /** Told of holds by the fold's ledger. */
  readonly sessions: SessionBook;
  readonly findings: Findings;
}

/** A snapshot of another version is not read: the journal is replayed instead. */
const SNAPSHOT_VERSION = 4;

interface NodeSnapshot {
  readonly version: number;
  readonly ledger: LedgerSnapshot;
  readonly identities: unknown;
  readonly made: unknown;
  /** Missing where nothing was marked when it was written. */
  readonly repeats?: unknown;
  readonly sessions: unknown;
  /** Missing where an older version wrote it. */
  readonly findings?: unknown;
}

export function emptyState(): NodeState {
  return watching({
    fold: { ledger: new Ledger(), mode: "enforce", digest: null, openRequests: new Map() },
    identities: new Identities(),
    made: new MadeEntities(),
    repeats: new Repeats(),
    sessions: new SessionBook(),
    findings: new Findings(),
  });
}

function watching(state: NodeState): NodeState {
  state.fold.ledger.watch(state.sessions);
  return state;
}

/** Applies one record of the journal. */
export function applyToState(state: NodeState, record: JournalRecord): void {
  applyRecord(state.fold, record);
  if (record.type === "finding") return state.findings.apply(record);
  if (record.type !== "admin_change" && record.type !== "correction") return;
  state.repeats.apply(record);
  if (record.type === "correction") return state.sessions.correct(record);
  state.identities.apply(record);
  state.made.apply(record);
  state.sessions.halts.apply(record);
}

export function saveState(state: NodeState): NodeSnapshot {
  return {
    version: SNAPSHOT_VERSION,
    ledger: snapshotOf(state.fold),
    identities: state.identities.snapshot(),
    made: state.made.snapshot(),
    repeats: state.repeats.snapshot(),
    sessions: state.sessions.snapshot(),
    findings: state.findings.snapshot(),
  };
}

/** The state that `saveState` gave; null where another version wrote it. */
export function restoreState(saved: unknown): NodeState | null {
  const snapshot = saved as NodeSnapshot;
  if (snapshot.version !== SNAPSHOT_VERSION) return null;
  // The book has the snapshot's holds already: it watches from here on.
  return watching({
    fold: restoreSnapshot(snapshot.ledger),
    identities: Identities.restore(snapshot.identities),
    made: MadeEntities.restore(snapshot.made),
    repeats: Repeats.restore(snapshot.repeats ?? []),
    sessions: SessionBook.restore(snapshot.sessions),
    findings: Findings.restore(snapshot.findings),
  });
}
