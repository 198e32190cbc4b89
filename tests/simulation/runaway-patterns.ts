/** Sessions that run away, one pattern each, drawn around what was reported. */
import type { DetectorName } from "../../src/config/runaway-limits.ts";
import { compact } from "./runaway-normal.ts";
import { Loop, type Tape } from "./runaway-tape.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const STRAY_SHARE = 0.03;

function times(count: number, act: (index: number) => void): void {
  for (let index = 0; index < count; index++) act(index);
}

/** By the detector that must find it. */
export const RUNAWAYS: Readonly<Record<DetectorName, (tape: Tape, main: Loop) => void>> = {
  compaction_storm(tape, main) {
    const refills = tape.draw() < 0.5;
    const before = tape.whole(140_000, 900_000);
    main.tokens = before;
    times(tape.whole(4, 15), () => {
      compact(tape, main, refills ? 0.85 * before : 30_000);
      times(refills ? tape.whole(3, 6) : tape.whole(0, 2), () =>
        main.call({ calls: [tape.tool("Read")], newTokens: 1_000, outputTokens: 80 }),
      );
      main.tokens = before;
    });
  },
  subagent_explosion(tape, main) {
    const nests = tape.draw() < 0.5;
    const everyMs = tape.between(0.4, 7) * SECOND;
    let parent: string | null = null;
    times(tape.whole(nests ? 48 : 90, 900), (index) => {
      const agent = `x${tape.novel()}`;
      const startMs = main.nowMs + index * everyMs;
      const of = { startMs, tokens: 10_000, prompt: main.prompt, agent };
      const loop = new Loop(tape, parent === null ? of : { ...of, parent });
      times(tape.whole(1, 4), () => loop.call({ calls: [tape.tool("Grep")] }));
      if (nests && index % 3 === 0) parent = agent;
    });
  },
  retry_storm(tape, main) {
    const text = tape.said();
    const isCut = tape.draw() < 0.6;
    times(isCut ? tape.whole(7, 31) : tape.whole(3, 6), (round) =>
      times(isCut ? 1 : 11, (retries) =>
        main.call({
          gapMs: tape.between(1, 12) * SECOND,
          newTokens: 0,
          text,
          retries,
          again: round + retries > 0,
          outcome: "upstream_error",
          durationMs: isCut ? 30 * SECOND : 400,
        }),
      ),
    );
  },
  hook_loop(tape, main) {
    const text = tape.said(tape.whole(80, 900));
    times(tape.whole(6, 25), () =>
      main.call({
        gapMs: tape.between(50, 1_500),
        text,
        stop: "end_turn",
        outputTokens: tape.whole(20, 300),
      }),
    );
  },
  refusal_loop(tape, main) {
    const text = tape.said();
    times(tape.whole(6, 60), () =>
      main.call({ gapMs: tape.between(20, 1_500), text, outcome: "refused" }),
    );
  },
  tool_loop(tape, main) {
    const period = tape.whole(1, 4);
    const fails = tape.draw() < 0.7;
    const cycle = Array.from({ length: period }, () => tape.tool("Edit", { failed: fails }));
    times(tape.whole(6, 40) * period, (index) => {
      const call = cycle[index % period];
      if (call === undefined) return;
      // Something else is tried in between now and then.
      if (tape.draw() < STRAY_SHARE) main.call({ calls: [tape.tool("Bash")] });
      // What fails says so in other words now and then: a line number, a time.
      const result = fails && tape.draw() < 0.5 ? tape.novel() : call.result;
      main.call({ gapMs: tape.between(50, 3_000), calls: [{ ...call, result }] });
    });
  },
  noop_polling(tape, main) {
    const periodMs = tape.between(6, 58) * MINUTE;
    const text = tape.said(tape.whole(40, 400));
    times(tape.whole(12, 88), () => {
      const jitter = tape.between(-0.04, 0.04);
      main.call({
        gapMs: periodMs * (1 + jitter),
        text,
        prompt: `n${tape.novel()}`,
        stop: "end_turn",
        outputTokens: tape.whole(15, 120),
      });
    });
  },
  cache_thrash(tape, main) {
    main.tokens = Math.max(main.tokens, tape.whole(80_000, 950_000));
    main.call({ calls: [tape.tool("Bash")] });
    const share = tape.between(0.3, 1);
    times(tape.whole(20, 60), () =>
      main.call({
        gapMs: tape.between(2, 70) * SECOND,
        calls: [tape.tool("Bash")],
        lost: tape.draw() < share,
      }),
    );
  },
  thinking_blowup(tape, main) {
    times(tape.whole(1, 3), () =>
      main.call({
        calls: [tape.tool("Bash")],
        outputTokens: tape.whole(22_000, 60_000),
        visibleBytes: tape.whole(60, 1_600),
      }),
    );
  },
  context_bill(tape, main) {
    main.tokens = Math.max(main.tokens, tape.whole(520_000, 950_000));
    times(tape.whole(5, 12), () =>
      main.call({
        gapMs: tape.between(6, 90) * MINUTE,
        text: tape.said(tape.whole(2, 120)),
        prompt: `b${tape.novel()}`,
        newTokens: 20,
        stop: "end_turn",
        outputTokens: tape.whole(10, 200),
      }),
    );
  },
};
