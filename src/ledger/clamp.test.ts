/** The rung that lowers `max_tokens`: each sentence of the rule is a row. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chooseMaxTokens, lastSteps, type ClampRequest } from "./clamp.ts";

/** One nano-dollar for a token of output, and this much for the input. */
const INPUT = 1_000n;
const needFor = (maxTokens: number) => INPUT + BigInt(maxTokens);

type Row = readonly [
  sentence: string,
  of: Partial<ClampRequest> & { readonly headroom: bigint },
  maxTokens: number,
];

const ROWS: readonly Row[] = [
  ["far from the cap: as asked", { headroom: 10_000_000n }, 128_000],
  ["as asked while four of it fit", { headroom: 4n * 129_000n }, 128_000],
  ["else 64k while four of it fit", { headroom: 4n * 129_000n - 1n }, 64_000],
  ["the last headroom for 64k", { headroom: 4n * 65_000n }, 64_000],
  ["else 32k", { headroom: 4n * 65_000n - 1n }, 32_000],
  ["32k even where four of it do not fit", { headroom: 4n * 33_000n - 1n }, 32_000],
  ["32k down to one of it", { headroom: 33_000n }, 32_000],
  ["16k where 32k does not fit", { headroom: 33_000n - 1n }, 16_000],
  ["16k down to one of it", { headroom: 17_000n }, 16_000],
  ["8k where 16k does not fit", { headroom: 17_000n - 1n }, 8_000],
  ["8k is the floor, even where it does not fit", { headroom: 1n }, 8_000],
  ["8k with no headroom at all", { headroom: 0n }, 8_000],
  ["8k with headroom below zero", { headroom: -5n }, 8_000],
  ["a compaction keeps 16k", { headroom: 1n, compaction: true }, 16_000],
  ["a compaction clamps to 32k like all others", { headroom: 33_000n, compaction: true }, 32_000],
  ["12 in flight: still four", { headroom: 4n * 129_000n, inFlight: 12 }, 128_000],
  ["13 in flight: 1 + 13/4", { headroom: 4n * 129_000n, inFlight: 13 }, 64_000],
  ["13 in flight: exactly 4.25 fit", { headroom: 548_250n, inFlight: 13 }, 128_000],
  ["13 in flight: not quite 4.25", { headroom: 548_249n, inFlight: 13 }, 64_000],
  ["40 in flight: eleven of it", { headroom: 11n * 129_000n, inFlight: 40 }, 128_000],
  ["16k where 32k × (1 + n/4) does not fit: n = 4", { headroom: 65_999n, inFlight: 4 }, 16_000],
  ["32k where it just does: n = 4", { headroom: 66_000n, inFlight: 4 }, 32_000],
  ["16k × 1 need fit, whatever is in flight", { headroom: 17_000n, inFlight: 40 }, 16_000],
  ["never above what was asked", { headroom: 1_000_000n, asked: 20_000 }, 20_000],
  ["asked for less than the next step", { headroom: 40_000n, asked: 20_000 }, 20_000],
  ["asked for less than 8k: as asked", { headroom: 0n, asked: 5_000 }, 5_000],
  ["never below a thinking budget", { headroom: 0n, floor: 40_001 }, 40_001],
  ["a thinking budget between two steps", { headroom: 33_000n, floor: 10_001 }, 32_000],
  ["a thinking budget above the step", { headroom: 17_000n, floor: 24_001 }, 24_001],
  ["a thinking budget above what was asked", { headroom: 0n, asked: 1_000, floor: 2_000 }, 1_000],
];

describe("clamps", () => {
  for (const [sentence, of, maxTokens] of ROWS)
    test(`${sentence}: ${maxTokens}`, () => {
      const request = { asked: 128_000, inFlight: 0, floor: 1, compaction: false, needFor, ...of };
      assert.equal(chooseMaxTokens(request), maxTokens);
    });

  const LAST = [
    ["4k and 2k, largest first", { asked: 8_000, floor: 1 }, [4_000, 2_000]],
    ["only what is less than before", { asked: 3_000, floor: 1 }, [2_000]],
    ["nothing below 2k", { asked: 2_000, floor: 1 }, []],
    ["not below a thinking budget", { asked: 8_000, floor: 3_001 }, [4_000, 3_001]],
    ["a thinking budget above both is one step", { asked: 8_000, floor: 5_001 }, [5_001]],
    ["a thinking budget of all", { asked: 8_000, floor: 9_000 }, []],
  ] as const;

  for (const [sentence, of, steps] of LAST)
    test(`instead of a refusal: ${sentence}`, () => assert.deepEqual(lastSteps(of), steps));
});
