/** The rules that relate several values of a file: run over drafts too, so that all faults are told at once. */
import { checkAccess } from "./access-check.ts";
import type { OwnCounts } from "./added.ts";
import { checkCaps } from "./check-caps.ts";
import { checkEntities } from "./check-entities.ts";
import { checkSecrets } from "./check-secrets.ts";
import type { TlsTrial } from "./check-tls.ts";
import { type Draft, itemsOf } from "./draft.ts";
import type { Finding } from "./explain.ts";
import type { Path } from "./fault.ts";
import { checkLevers } from "./levers-check.ts";
import type { Suggester } from "./nearest.ts";
import type { References } from "./reference.ts";
import { checkRouting, type ExpressionTrial } from "./routing-check.ts";
import { parseAddress } from "./scalar.ts";
import type { ConfigInput } from "./schema.ts";
import { shown } from "./secrecy.ts";

export type FileDraft = Draft<ConfigInput>;

export interface Checking {
  readonly draft: FileDraft;
  readonly own: OwnCounts;
  /** The kinds of providers that exist. */
  readonly knownKinds: readonly string[];
  readonly references: References;
  readonly suggester: Suggester;
  readonly tlsTrial: TlsTrial;
  readonly expressionTrial: ExpressionTrial;
  /** The line of the value at `path`, for "already at line …". */
  readonly lineOf: (path: Path) => number;
  readonly report: (path: Path, message: string) => void;
}

/** All faults that several values make together; nothing that one value alone is guilty of. */
export function checkFile(of: Omit<Checking, "report">): Finding[] {
  const findings: Finding[] = [];
  const report: Checking["report"] = (path, message) =>
    findings.push({ path, part: "value", message });
  const checking: Checking = { ...of, report };
  checkEntities(checking);
  checkCaps(checking);
  checkSecrets(checking);
  checkListen(checking);
  checkPrices(checking);
  checkRouting(checking);
  checkAccess(checking);
  checkLevers(checking);
  return findings;
}

function checkListen({ draft, report }: Checking): void {
  const listen = parseAddress(draft.server?.listen ?? "");
  const admin = parseAddress(draft.server?.admin_listen ?? "");
  if (listen === null || admin === null || admin.port === 0) return;
  if (listen.port !== admin.port || listen.host !== admin.host) return;
  report(["server", "admin_listen"], "is the same address as server.listen: use another port");
}

function checkPrices({ draft, lineOf, report }: Checking): void {
  const seen = new Map<string, number>();
  for (const [index, { model, from }] of itemsOf(draft.prices)) {
    if (model === undefined || from === undefined) continue;
    const identity = JSON.stringify([model, from]);
    const first = seen.get(identity);
    if (first === undefined) seen.set(identity, index);
    else {
      const line = lineOf(["prices", first]);
      report(
        ["prices", index],
        `a second price for ${shown(model)} from ${from}: keep one, the first is at line ${line}`,
      );
    }
  }
}
