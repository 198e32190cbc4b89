/** `tollgate rebuild`: throws the views away and folds the journal into them again. */
import { join } from "node:path";
import type { Command } from "commander";
import { journalDirectory, listNodes, readIfThere } from "../journal/layout.ts";
import { systemClock } from "../core/time.ts";
import { CommandFailed } from "./exit.ts";
import { counting } from "./numbers.ts";
import { findPlace } from "./place.ts";
import { whileStopped } from "./stopped.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions } from "./verb.ts";

export function rebuildVerb(session: Session): Command {
  return newVerb(
    "rebuild",
    "fold the journal into the views again; the gateway must be stopped",
  ).action(async (options: StandardOptions) => {
    const { dataDir } = findPlace(options.config, session.environment);
    const node = nodeOf(dataDir);
    await whileStopped(dataDir, () => rebuild(dataDir, node, options));
  });
}

/** The node whose views these are. */
function nodeOf(dataDir: string): string {
  const kept = readIfThere(join(dataDir, "node"))?.trim() ?? "";
  if (listNodes(dataDir).includes(kept)) return kept;
  throw new CommandFailed(`${dataDir} holds no journal: name a data directory`);
}

async function rebuild(dataDir: string, node: string, options: StandardOptions): Promise<void> {
  const startMs = systemClock.monotonicMs();
  const log = { warn: (_fields: unknown, message: string) => complain(message) };
  const { openViews } = await import("../views/views.ts");
  const views = await openViews({
    dataDir,
    journalDirectory: journalDirectory(dataDir, node),
    log,
  });
  try {
    await views.rebuild();
    const { appliedSeq, skipped, error } = views.status();
    if (error !== null) throw new CommandFailed(`the views cannot be rebuilt: ${error}`);
    const tookMs = Math.round(systemClock.monotonicMs() - startMs);
    if (options.json === true)
      return sayJson({ applied_seq: appliedSeq, skipped, took_ms: tookMs });
    say(`The views are rebuilt from ${counting(appliedSeq, "line")} in ${tookMs} ms.`);
    if (skipped > 0) complain(`${counting(skipped, "line")} left out: they say nothing here.`);
  } finally {
    await views.close();
  }
}
