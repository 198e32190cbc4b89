/** What looks like a runaway and is none: each is put into sessions in which nothing else happens. */
import type { AnswerSeen } from "../../src/policy/runaway/event.ts";
import { compact, workOn } from "./runaway-normal.ts";
import { Loop, type Tape } from "./runaway-tape.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

type Act = (tape: Tape, main: Loop) => void;

function times(count: number, act: (index: number) => void): void {
  for (let index = 0; index < count; index++) act(index);
}

function agentOf(
  tape: Tape,
  main: Loop,
  of: { readonly startMs: number; readonly tokens?: number },
): Loop {
  const { startMs, tokens = 12_000 } = of;
  return new Loop(tape, { startMs, tokens, prompt: main.prompt, agent: `a${tape.novel()}` });
}

/** Tries by the client's library, as it repeats by itself. */
function tries(
  tape: Tape,
  main: Loop,
  of: { readonly count: number; readonly outcome: AnswerSeen["outcome"] },
): void {
  const text = tape.said();
  times(of.count, (retries) =>
    main.call({
      gapMs: 2 * SECOND,
      newTokens: 0,
      text,
      retries,
      again: retries > 0,
      outcome: of.outcome,
      durationMs: 300,
    }),
  );
}

const COMPACTIONS: Readonly<Record<string, Act>> = {
  "a day-long job that compacts every hour or so": (tape, main) =>
    times(tape.whole(6, 12), () => {
      times(tape.whole(12, 40), () =>
        main.call({
          gapMs: tape.between(SECOND, 90 * SECOND),
          newTokens: 4_000,
          calls: [tape.tool("Read")],
        }),
      );
      compact(tape, main, 24_000);
    }),
  "compactions while idle, before the cache ends": (tape, main) =>
    times(4, () => {
      workOn(tape, main, { calls: 3, gapMs: 4 * MINUTE });
      main.nowMs += 270 * SECOND;
      compact(tape, main, 20_000);
    }),
  "/compact typed twice": (tape, main) => {
    compact(tape, main, 20_000);
    main.call({ gapMs: 20 * SECOND, prompt: "typed", text: tape.said() });
    compact(tape, main, 18_000);
  },
  "each subagent compacts once": (tape, main) =>
    times(8, () => {
      const agent = agentOf(tape, main, { startMs: main.nowMs, tokens: 150_000 });
      times(4, () => agent.call({ calls: [tape.tool("Read")], newTokens: 4_000 }));
      compact(tape, agent, 16_000);
      times(3, () => agent.call({ calls: [tape.tool("Read")] }));
    }),
};

const AGENTS: Readonly<Record<string, Act>> = {
  "one fan-out of 40 at once": (tape, main) => {
    main.call({ gapMs: MINUTE, prompt: "fan-out", text: tape.said() });
    times(tape.whole(35, 46), () => {
      const agent = agentOf(tape, main, { startMs: main.nowMs + tape.between(0, 25 * SECOND) });
      times(tape.whole(2, 4), () => agent.call({ calls: [tape.tool("Grep")] }));
    });
  },
  "a workflow of many agents": (tape, main) =>
    times(tape.whole(80, 240), (index) => {
      const agent = agentOf(tape, main, { startMs: main.nowMs + index * 2 * SECOND });
      times(2, () => agent.call({ task: "workflow", calls: [tape.tool("Grep")] }));
    }),
  "a team of long-lived agents": (tape, main) =>
    times(tape.whole(3, 5), () => {
      const agent = agentOf(tape, main, { startMs: main.nowMs });
      times(60, () =>
        agent.call({ gapMs: tape.between(SECOND, MINUTE), calls: [tape.tool("Bash")] }),
      );
    }),
};

const FAILURES: Readonly<Record<string, Act>> = {
  "eleven tries on an overloaded provider": (tape, main) =>
    tries(tape, main, { count: 11, outcome: "upstream_error" }),
  "three tries and once more by hand": (tape, main) =>
    times(2, () => tries(tape, main, { count: 3, outcome: "upstream_error" })),
  "a cut answer and its repetition": (tape, main) =>
    times(3, () => {
      main.call({ calls: [tape.tool("Bash")], outcome: "upstream_error" });
      main.call({ newTokens: 0, again: true, calls: [tape.tool("Bash")] });
    }),
  "eleven tries on a rate limit": (tape, main) =>
    tries(tape, main, { count: 11, outcome: "refused" }),
  "a person who does not believe a refusal": (tape, main) =>
    times(tape.whole(4, 7), () =>
      main.call({
        gapMs: tape.between(4 * SECOND, MINUTE),
        text: tape.said(20),
        outcome: "refused",
      }),
    ),
  "subagents that are refused once each": (tape, main) =>
    times(8, () => {
      const agent = agentOf(tape, main, { startMs: main.nowMs + tape.between(0, SECOND) });
      agent.call({ text: tape.said(), outcome: "refused" });
    }),
};

const TURNS: Readonly<Record<string, Act>> = {
  "a hook that runs tests and blocks three times": (tape, main) => {
    const said = tape.said(700);
    times(tape.whole(2, 3), () => {
      main.call({ gapMs: 900, text: said, outputTokens: 200 });
      times(2, () => main.call({ calls: [tape.tool("Edit")] }));
      main.call({ calls: [tape.tool("Bash")], stop: "end_turn", outputTokens: 150 });
    });
  },
  "a hook that blocks three times and is answered in words": (tape, main) => {
    const said = tape.said(300);
    times(3, () => main.call({ gapMs: 700, text: said, stop: "end_turn", outputTokens: 90 }));
  },
  "queued prompts": (tape, main) =>
    times(tape.whole(5, 9), () =>
      main.call({
        gapMs: 300,
        prompt: `q${tape.novel()}`,
        text: tape.said(),
        stop: "end_turn",
        outputTokens: 200,
      }),
    ),
};

const TOOLS: Readonly<Record<string, Act>> = {
  "test and fix, with another result each time": (tape, main) => {
    const input = tape.novel();
    times(tape.whole(5, 14), () => {
      main.call({ gapMs: 8 * SECOND, calls: [tape.tool("Bash", { input, result: tape.novel() })] });
      main.call({ gapMs: 200, calls: [tape.tool("Edit")] });
    });
  },
  "waiting for a build": (tape, main) => {
    const queued = { input: tape.novel(), result: tape.novel() };
    times(tape.whole(6, 20), () =>
      main.call({ gapMs: tape.between(15 * SECOND, MINUTE), calls: [tape.tool("Bash", queued)] }),
    );
  },
  "paging through a file": (tape, main) =>
    times(tape.whole(8, 25), () => main.call({ gapMs: 60, calls: [tape.tool("Read")] })),
  "a few failures alike before it is understood": (tape, main) => {
    const same = { input: tape.novel(), result: tape.novel(), failed: true };
    times(tape.whole(2, 4), () => main.call({ gapMs: 300, calls: [tape.tool("Edit", same)] }));
  },
};

const PACES: Readonly<Record<string, Act>> = {
  "a timed job that acts": (tape, main) => {
    const text = tape.said(120);
    const periodMs = tape.between(6, 40) * MINUTE;
    times(tape.whole(10, 24), () => {
      main.call({ gapMs: periodMs, text, outputTokens: tape.whole(300, 900) });
      main.call({ calls: [tape.tool("Write")], outputTokens: 400 });
      main.call({ calls: [tape.tool("Bash")], stop: "end_turn", outputTokens: 200 });
    });
  },
  "a person at a steady pace": (tape, main) =>
    times(tape.whole(10, 20), () =>
      main.call({
        gapMs: 8 * MINUTE * tape.between(0.85, 1.15),
        text: tape.said(50),
        prompt: `s${tape.novel()}`,
        stop: "end_turn",
        outputTokens: 150,
      }),
    ),
  "continue, typed now and then": (tape, main) => {
    main.restart(Math.min(main.tokens, 200_000));
    const text = tape.said(8);
    times(10, () =>
      main.call({ gapMs: tape.between(5, 30) * MINUTE, text, stop: "end_turn", outputTokens: 200 }),
    );
  },
};

const CACHES: Readonly<Record<string, Act>> = {
  "answers after the cache has expired": (tape, main) =>
    times(6, () => workOn(tape, main, { calls: 2, gapMs: tape.between(5.5, 20) * MINUTE })),
  "a model switched to and fro": (tape, main) =>
    times(6, (index) => {
      main.call({
        gapMs: 30 * SECOND,
        model: index % 2 === 0 ? "claude-sonnet-5-5" : "claude-opus-5-5",
      });
      times(3, () => main.call({ calls: [tape.tool("Bash")] }));
    }),
  "tools changed by a connection that comes and goes": (tape, main) =>
    times(6, (index) => {
      main.call({ gapMs: 20 * SECOND, toolsBytes: 40_000 + (index % 2) * 9_000 });
      times(3, () => main.call({ calls: [tape.tool("Bash")] }));
    }),
  "cleared again and again": (tape, main) =>
    times(5, () => {
      main.restart(22_000);
      workOn(tape, main, { calls: 6, gapMs: MINUTE });
    }),
};

const SIZES: Readonly<Record<string, Act>> = {
  "a long plan, thought over": (tape, main) =>
    main.call({ text: tape.said(), outputTokens: 28_000, visibleBytes: tape.whole(6_000, 15_000) }),
  "whole files written": (tape, main) =>
    times(2, () =>
      main.call({ calls: [tape.tool("Write")], outputTokens: 24_000, visibleBytes: 90_000 }),
    ),
  "real work on a long context": (tape, main) => {
    main.tokens = Math.max(main.tokens, tape.whole(520_000, 800_000));
    times(5, () =>
      workOn(tape, main, { calls: tape.whole(2, 8), gapMs: tape.between(0.2, 2) * HOUR }),
    );
  },
  "a few brief questions to a long context": (tape, main) => {
    main.tokens = Math.max(main.tokens, 600_000);
    times(5, (index) =>
      main.call({
        gapMs: (index % 3 === 2 ? 9 : 1.5) * MINUTE,
        text: tape.said(40),
        stop: "end_turn",
        outputTokens: 300,
      }),
    );
  },
};

/** By what a person would call it. */
export const LOOK_ALIKES: Readonly<Record<string, Act>> = {
  ...COMPACTIONS,
  ...AGENTS,
  ...FAILURES,
  ...TURNS,
  ...TOOLS,
  ...PACES,
  ...CACHES,
  ...SIZES,
};
