/** The views as the rest of the process sees them: told of new lines, asked for rows and sums. */
import { join } from "node:path";
import type { NanoUsd } from "../core/money.ts";
import type { Clock } from "../core/time.ts";
import { systemClock } from "../core/time.ts";
import { createFollower } from "./follower.ts";
import type { ViewsLog, ViewsStatus } from "./follower.ts";
import type { RequestsAnswer, RequestsFilter } from "./requests.ts";
import type { RequestDetail } from "./rows.ts";
import type { ShadowQuery, ShadowReport } from "./shadow.ts";
import type { SessionSpent, SpentQuery } from "./spent.ts";
import type { UsageGroup, UsageQuery } from "./usage.ts";

export interface ViewsOptions {
  /** The views are `views.sqlite` in it. */
  readonly dataDir: string;
  /** `{data_dir}/journal/{node}`. */
  readonly journalDirectory: string;
  readonly log: ViewsLog;
  readonly clock?: Clock;
}

/** Questions reject with `ViewsUnavailable` where the views cannot answer now. */
export interface Views {
  /** Lines up to `writtenSeq` are in the journal; they are applied within 200 ms. Never throws. */
  readonly notify: (writtenSeq: number) => void;
  /** Resolves when all lines up to `seq`, which must be written, are applied. */
  readonly sync: (seq: number) => Promise<void>;
  /** Ended requests, newest first. */
  readonly requests: (filter: RequestsFilter) => Promise<RequestsAnswer>;
  /** One ended request with its attempts; null where there is none. */
  readonly request: (id: string) => Promise<RequestDetail | null>;
  readonly usage: (query: UsageQuery) => Promise<readonly UsageGroup[]>;
  /** What scopes in shadow would have done. */
  readonly shadow: (query: ShadowQuery) => Promise<ShadowReport>;
  /** Waits until all lines up to `uptoSeq` are applied, however long that takes. */
  readonly spentSince: (query: SpentQuery) => Promise<NanoUsd>;
  /** The same, apart for each session that the clients named. */
  readonly spentBySession: (query: SpentQuery) => Promise<readonly SessionSpent[]>;
  /** All keys that have any row, once all lines up to `uptoSeq` are applied. */
  readonly spenders: (uptoSeq: number) => Promise<readonly string[]>;
  /** Removes rows of requests before a moment, roll-ups stay; resolves to how many. */
  readonly prune: (beforeMs: number) => Promise<number>;
  /** Throws the views away and folds the journal again: all lines told of, or all there are. */
  readonly rebuild: () => Promise<void>;
  readonly status: () => ViewsStatus;
  readonly close: () => Promise<void>;
}

/**
 * Opens the views in a worker thread. Their failures are logged, retried and told by `status`, and
 * stop nothing else: this resolves even where they cannot be opened.
 */
export async function openViews(options: ViewsOptions): Promise<Views> {
  const { dataDir, journalDirectory, log } = options;
  const setup = { file: join(dataDir, "views.sqlite"), journalDirectory };
  const follower = createFollower(setup, log, options.clock ?? systemClock);
  await follower.ready;
  const { ask, reach } = follower;
  return {
    notify: follower.notify,
    sync: (seq) => reach(seq, "soon"),
    requests: (filter) => ask("requests", filter),
    request: (id) => ask("request", id),
    usage: (query) => ask("usage", query),
    shadow: (query) => ask("shadow", query),
    spentSince: async (query) => {
      await reach(query.uptoSeq, "at_last");
      return ask("spentSince", query);
    },
    spentBySession: async (query) => {
      await reach(query.uptoSeq, "at_last");
      return ask("spentBySession", query);
    },
    spenders: async (uptoSeq) => {
      await reach(uptoSeq, "at_last");
      return ask("spenders", null);
    },
    prune: (beforeMs) => ask("prune", { beforeMs }),
    rebuild: async () => {
      await ask("rebuild", { untilSeq: follower.writtenSeq() ?? Number.POSITIVE_INFINITY });
    },
    status: follower.status,
    close: follower.close,
  };
}
