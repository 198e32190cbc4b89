/** What developers would do on a day if nothing stopped them, drawn from the shape of real traffic. */
import { PARAMETERS as P } from "./parameters.ts";
import { byQuantiles, logNormal, pick, poisson, streamOf, type Stream } from "./random.ts";

export interface Developer {
  readonly name: string;
  readonly model: string;
  readonly intensity: number;
  /** Tokens of a fresh context: tools, system, configuration and MCP. */
  readonly startTokens: number;
  readonly configurationTokens: number;
  /** The client compacts by itself above so many tokens. */
  readonly windowTokens: number;
}

/** One call as it would go: what is new in it, what comes out, and how lucky it is. */
export interface CallScript {
  /** Tool results of the call before; 0 where a prompt stands in their place. */
  readonly newTokens: number;
  /** How long the tools before it ran. */
  readonly toolTimeMs: number;
  readonly outputTokens: number;
  readonly firstTokenMs: number;
  /** From 0 to 1, against the shares of cache entries that die. */
  readonly cacheLuck: number;
  readonly isPrefixShared: boolean;
  readonly fate: "answered" | "cut" | "non200";
}

/** A subagent's calls; the first starts its context. */
export interface AgentScript {
  readonly name: string;
  readonly model: string;
  readonly startTokens: number;
  readonly calls: readonly CallScript[];
  readonly nested: AgentScript | null;
}

export interface PromptScript {
  /** Since the end of the prompt before. */
  readonly gapMs: number;
  readonly tokens: number;
  readonly calls: readonly CallScript[];
  /** All start with the first call's end. */
  readonly agents: readonly AgentScript[];
  /** The part of the last answer after which the human stops it; null: it is let be. */
  readonly cancelledAfter: number | null;
  /** Whether a compaction by hand follows where the context is large. */
  readonly compactsByHand: boolean;
  /** The compaction's own call, should one be needed. */
  readonly compaction: CallScript;
}

export interface SessionScript {
  readonly name: string;
  readonly developer: Developer;
  /** Unix milliseconds. */
  readonly startMs: number;
  /** Tokens of the older session that it takes up; null: it is new. */
  readonly resumedTokens: number | null;
  readonly prompts: readonly PromptScript[];
  readonly title: CallScript;
  readonly summary: CallScript | null;
}

/** How a scenario departs from the usual day. */
export interface Habits {
  /** Every prompt starts so many subagents; null: as usual. */
  readonly agentsAPrompt: number | null;
}

export const USUAL: Habits = { agentsAPrompt: null };

/** The streams of one session or developer, each by its purpose. */
type Draws = (purpose: string) => Stream;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export function drawDeveloper(seed: number, index: number): Developer {
  const draw = drawsOf([seed, index]);
  const intensity = P.intensity;
  const configurationTokens = Math.round(logNormal(draw("configuration"), P.start.configuration));
  return {
    name: `developer-${index}`,
    model: pick(draw("model"), P.models.shares),
    intensity: intensity.scale * logNormal(draw("z"), { median: 1, sigma: intensity.personSigma }),
    startTokens: P.start.tools + P.start.system + configurationTokens + drawMcpTokens(draw("mcp")),
    configurationTokens,
    windowTokens: pick(draw("window"), P.compaction.windows),
  };
}

function drawMcpTokens(stream: Stream): number {
  const { mcp } = P;
  const [hasMcp, isEager] = [stream() < mcp.share, stream() < mcp.eagerShare];
  const tools = Math.round(logNormal(stream, mcp.tools));
  if (!hasMcp) return 0;
  return isEager ? tools * mcp.eagerTokens + mcp.eagerBuiltIn : tools * mcp.deferredTokens;
}

/** The sessions that a developer starts on the day that begins at `midnightMs`. */
export function drawDay(of: {
  readonly seed: number;
  readonly developer: Developer;
  readonly day: number;
  readonly midnightMs: number;
  readonly habits: Habits;
}): SessionScript[] {
  const { seed, developer, day, midnightMs, habits } = of;
  const name = [seed, developer.name, day];
  const draw = drawsOf(name);
  const z = developer.intensity * logNormal(draw("z"), { median: 1, sigma: P.intensity.daySigma });
  const mean = P.sessions.besidesFirst * z ** P.intensity.sessionsPower;
  const count = 1 + poisson(draw("sessions"), mean);
  const hours = draw("hours");
  return Array.from({ length: count }, (_, index) =>
    drawSession({
      draw: drawsOf([...name, index]),
      name: `${developer.name}/${day}/${index}`,
      developer,
      startMs: midnightMs + drawStartMs(hours),
      habits,
    }),
  );
}

function drawStartMs(stream: Stream): number {
  const { humps, sigmaMinutes, outsideShare, fromHour, toHour } = P.hours;
  if (stream() < outsideShare) {
    const hour = stream() * (24 - (toHour - fromHour));
    return Math.round((hour < fromHour ? hour : hour + (toHour - fromHour)) * HOUR_MS);
  }
  const middle = pick(
    stream,
    humps.map(({ atHour, share }) => [atHour, share] as const),
  );
  const spread = Math.log(logNormal(stream, { median: 1, sigma: sigmaMinutes }));
  const atMs = middle * HOUR_MS + spread * MINUTE_MS;
  return Math.round(Math.min(Math.max(atMs, fromHour * HOUR_MS), toHour * HOUR_MS));
}

interface SessionDraw {
  readonly draw: Draws;
  readonly name: string;
  readonly developer: Developer;
  readonly startMs: number;
  readonly habits: Habits;
}

function drawSession({ draw, name, developer, startMs, habits }: SessionDraw): SessionScript {
  const isResumed = draw("resumed")() < P.sessions.resumedShare;
  const resumedTokens = logNormal(draw("resumed tokens"), P.resumed.tokens);
  const count = drawCount(draw("prompts"), { ...P.prompts, atLeast: 1 });
  const streams = new Streams(draw);
  const background = callStreams(draw, "background");
  const { title, summary } = P.background;
  const hasSummary = draw("summary")() < summary.share;
  return {
    name,
    developer,
    startMs,
    resumedTokens: isResumed ? Math.min(Math.round(resumedTokens), developer.windowTokens) : null,
    prompts: Array.from({ length: count }, (_, index) =>
      drawPrompt(streams, { developer, habits, name: `${name}/${index}` }),
    ),
    title: { ...drawCall(background), outputTokens: title.output },
    summary: hasSummary ? { ...drawCall(background), outputTokens: summary.output } : null,
  };
}

interface CallStreams {
  readonly result: Stream;
  readonly tool: Stream;
  readonly output: Stream;
  readonly pace: Stream;
  readonly cache: Stream;
  readonly fate: Stream;
}

function callStreams(draw: Draws, who: string): CallStreams {
  const of = (purpose: string) => draw(`${who} ${purpose}`);
  return {
    result: of("result"),
    tool: of("tool"),
    output: of("output"),
    pace: of("pace"),
    cache: of("cache"),
    fate: of("fate"),
  };
}

/** All streams of a session; each prompt draws on from where the one before stopped. */
class Streams {
  readonly main: CallStreams;
  readonly agents: CallStreams;
  readonly compaction: CallStreams;
  readonly gap: Stream;
  readonly size: Stream;
  readonly calls: Stream;
  readonly fanOut: Stream;
  readonly human: Stream;

  constructor(draw: Draws) {
    this.main = callStreams(draw, "main");
    this.agents = callStreams(draw, "agents");
    this.compaction = callStreams(draw, "compaction");
    this.gap = draw("gap");
    this.size = draw("size");
    this.calls = draw("calls");
    this.fanOut = draw("fan-out");
    this.human = draw("human");
  }
}

function drawPrompt(
  streams: Streams,
  of: { readonly developer: Developer; readonly habits: Habits; readonly name: string },
): PromptScript {
  const { promptTokens, failures, compaction } = P;
  const size = logNormal(streams.size, promptTokens.size);
  const pasted = streams.size() < promptTokens.pasteShare ? promptTokens.paste : 0;
  const count = drawCount(streams.calls, { ...P.calls, atLeast: 2 });
  const [isCancelled, after, byHand] = [streams.human(), streams.human(), streams.human()];
  const agents = drawFanOut(streams.fanOut, of.habits);
  return {
    gapMs: byQuantiles(streams.gap, P.humanGapMs.quantiles),
    tokens: Math.max(1, Math.round(size)) + pasted,
    calls: Array.from({ length: count }, () => drawCall(streams.main)),
    agents: Array.from({ length: agents }, (_, index) =>
      drawAgent(streams, { developer: of.developer, name: `${of.name}/${index}`, depth: 1 }),
    ),
    cancelledAfter: isCancelled < failures.cancelledPromptShare ? after : null,
    compactsByHand: byHand < compaction.byHandShare,
    compaction: {
      ...drawCall(streams.compaction),
      outputTokens: Math.round(logNormal(streams.compaction.output, compaction.output)),
    },
  };
}

function drawFanOut(stream: Stream, habits: Habits): number {
  const isUsed = stream() < P.agents.promptShare;
  const count = 1 + poisson(stream, P.agents.besidesFirst);
  return habits.agentsAPrompt ?? (isUsed ? count : 0);
}

/** One, or `atLeast` and a log-normal number more. */
function drawCount(
  stream: Stream,
  of: {
    readonly onlyOneShare: number;
    readonly more: { readonly median: number; readonly sigma: number };
    readonly max: number;
    readonly atLeast: number;
  },
): number {
  const isOne = stream() < of.onlyOneShare;
  const more = logNormal(stream, of.more);
  return isOne ? 1 : Math.min(of.max, of.atLeast + Math.floor(more));
}

function drawAgent(
  streams: Streams,
  of: { readonly developer: Developer; readonly name: string; readonly depth: number },
): AgentScript {
  const { agents } = P;
  const { developer, name, depth } = of;
  const stream = streams.fanOut;
  const model = pick(stream, agents.models);
  const count = 1 + Math.floor(logNormal(stream, agents.moreCalls));
  const nests = stream() < agents.nestedShare;
  const configuration = Math.round(agents.configurationShare * developer.configurationTokens);
  return {
    name,
    model: model === "inherit" ? developer.model : model,
    startTokens: agents.startTokens + configuration,
    calls: Array.from({ length: count }, () => drawCall(streams.agents)),
    nested:
      nests && depth === 1
        ? drawAgent(streams, { developer, name: `${name}/nested`, depth: depth + 1 })
        : null,
  };
}

function drawCall(streams: CallStreams): CallScript {
  const { toolResult, output, answer, sharedPrefix } = P;
  const [from, to] = answer.firstTokenMs;
  const result = Math.round(logNormal(streams.result, toolResult.tokens));
  const tokens = Math.round(logNormal(streams.output, output.tokens));
  return {
    newTokens: Math.min(toolResult.max, result),
    toolTimeMs: byQuantiles(streams.tool, P.toolTimeMs.quantiles),
    outputTokens: Math.min(output.max, Math.max(1, tokens)),
    firstTokenMs: from + streams.pace() * (to - from),
    cacheLuck: streams.cache(),
    isPrefixShared: streams.cache() < sharedPrefix.share,
    fate: drawFate(streams.fate),
  };
}

function drawFate(stream: Stream): CallScript["fate"] {
  const { cutShare, non200Share } = P.failures;
  const luck = stream();
  if (luck < cutShare) return "cut";
  return luck < cutShare + non200Share ? "non200" : "answered";
}

function drawsOf(name: readonly (string | number)[]): Draws {
  return (purpose) => streamOf(...name, purpose);
}
