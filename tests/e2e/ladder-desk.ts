/** A gateway near its caps: keys with budgets of their own, answers that wait for a word, journal lines. */
import assert from "node:assert/strict";
import { startGateway, until, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text, type Answer, type Script } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { secretOf } from "./desk.ts";

export const LADDER_MODEL = "claude-opus-5-5";

/** A line of the journal, as far as these tests read it. */
export interface Line {
  readonly seq: number;
  readonly type: string;
  readonly request?: string;
  readonly need?: string;
  readonly input_need?: string;
  readonly cost?: string;
  readonly overshoot?: string;
  readonly waited_ms?: number;
  readonly clamped_max_tokens?: number | null;
  readonly [field: string]: unknown;
}

export interface LadderAsk {
  readonly body: string | Buffer;
  readonly session?: string;
}

/** Answers that stay away until `open` is called. */
export interface Gate {
  readonly script: Script;
  readonly open: () => void;
}

export interface LadderDesk {
  readonly upstream: Upstream;
  readonly gateway: Gateway;
  readonly ask: (key: string, what: LadderAsk) => Promise<RawAnswer>;
  /** Sends, and waits until the upstream has it. */
  readonly askUntilUpstream: (
    key: string,
    what: LadderAsk,
  ) => Promise<{ readonly answer: Promise<RawAnswer> }>;
  readonly lines: () => Promise<Line[]>;
  /** The lines of an answer's request, once it is settled or refused. */
  readonly linesOf: (answer: RawAnswer) => Promise<Line[]>;
  readonly rowOf: (answer: RawAnswer) => Promise<RequestRow>;
  /** Counts that the upstream was asked for so far. */
  readonly counts: () => number;
  readonly dispose: () => Promise<void>;
}

/** Starts a gateway whose keys have these further fields each. */
export async function startLadderDesk(
  keys: Readonly<Record<string, object>>,
  { waitSeconds }: { readonly waitSeconds: number },
): Promise<LadderDesk> {
  const upstream = await startUpstream(() => text("ok"));
  const variable = (id: string) => `KEY_${id.toUpperCase()}`;
  const secrets = Object.fromEntries(Object.keys(keys).map((id) => [variable(id), secretOf(id)]));
  const gateway = await startGateway({
    config: {
      ...smallConfig(upstream.url, { server: { budget_wait_seconds: waitSeconds } }),
      virtual_keys: Object.entries(keys).map(([id, fields]) => ({
        id,
        team: "platform",
        secret: `env:${variable(id)}`,
        ...fields,
      })),
    },
    env: { ...SMALL_ENV, ...secrets },
  });

  const ask = (key: string, { body, session }: LadderAsk): Promise<RawAnswer> => {
    const who = { "x-api-key": secretOf(key), "content-type": "application/json" };
    const headers = { ...who, ...(session && { "x-claude-code-session-id": session }) };
    return send(gateway.url, { path: "/v1/messages", body, headers });
  };
  const lines = async (): Promise<Line[]> => {
    const found: Line[] = [];
    for (let cursor: string | null = "1"; cursor !== null;) {
      const page = await gateway.api(`/api/v1/audit/records?limit=500&cursor=${cursor}`);
      const { data, next_cursor } = page as { data: Line[]; next_cursor: string | null };
      found.push(...data);
      cursor = next_cursor;
    }
    return found;
  };
  const linesOf = async (answer: RawAnswer): Promise<Line[]> => {
    let own: Line[] = [];
    await until("the request is settled", async () => {
      own = (await lines()).filter(({ request }) => request === idOf(answer));
      return own.some(({ type }) => type === "settle" || type === "refuse");
    });
    return own;
  };
  return {
    upstream,
    gateway,
    ask,
    async askUntilUpstream(key, what) {
      const before = upstream.messages().length;
      const answer = ask(key, what);
      answer.catch(() => undefined);
      await until("it is upstream", () => upstream.messages().length > before);
      return { answer };
    },
    lines,
    linesOf,
    async rowOf(answer) {
      const isIt = ({ id, outcome }: RequestRow) => id === idOf(answer) && outcome !== null;
      const row = (await gateway.rows((rows) => rows.some(isIt))).find(isIt);
      assert.ok(row !== undefined);
      return row;
    },
    counts: () => upstream.requests.filter(({ url }) => url.includes("count_tokens")).length,
    dispose: async () => {
      await gateway.dispose();
      await upstream.stop();
    },
  };
}

/** A gate before `answer`. */
export function gated(answer: Answer): Gate {
  const opening = Promise.withResolvers<void>();
  return { script: () => opening.promise.then(() => answer), open: () => opening.resolve() };
}

function idOf(answer: RawAnswer): string {
  return String(answer.headers["tollgate-request-id"]);
}
