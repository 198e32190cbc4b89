import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inputTokensAfter, TurnMemory, type Turn } from "./memory.ts";

const TURN: Turn = {
  prefix: { bytes: 100, hash: "h" },
  shape: "s",
  inputTokens: 90_000,
  outputTokens: 700,
  images: 0,
  cutAt: null,
};
const NOTHING = { asciiBytes: 0, nonAsciiBytes: 0, unicodeEscapes: 0, blocks: 0 };
/** Of the memory; past it the least recently used turn is forgotten. */
const TURNS_MAX = 20_000;

describe("the bound of the next input", () => {
  const ROWS = [
    ["nothing new", {}, 90_700],
    ["a token an ASCII byte", { asciiBytes: 300 }, 91_000],
    ["eleven a byte of other text", { nonAsciiBytes: 3 }, 90_733],
    ["thirty-three an escape", { unicodeEscapes: 2 }, 90_766],
    ["sixty-four a block", { blocks: 5 }, 91_020],
    [
      "all together",
      { asciiBytes: 1, nonAsciiBytes: 1, unicodeEscapes: 1, blocks: 1 },
      90_700 + 1 + 11 + 33 + 64,
    ],
  ] as const;
  for (const [name, appendix, tokens] of ROWS)
    test(`counts ${name}`, () => {
      assert.equal(inputTokensAfter(TURN, { ...NOTHING, ...appendix }), tokens);
    });
});

describe("the memory of turns", () => {
  test("knows the last turn of each name, and nothing of another", () => {
    const memory = new TurnMemory();
    memory.remember("main", TURN);
    memory.remember("agent", { ...TURN, inputTokens: 1 });
    memory.remember("main", { ...TURN, inputTokens: 2 });
    assert.equal(memory.recall("main")?.inputTokens, 2);
    assert.equal(memory.recall("agent")?.inputTokens, 1);
    assert.equal(memory.recall("other"), null);
  });

  test("forgets what it is told to forget", () => {
    const memory = new TurnMemory();
    memory.remember("main", TURN);
    memory.forget("main");
    memory.forget("never known");
    assert.equal(memory.recall("main"), null);
  });

  test("is bounded: the turn that was remembered longest ago goes first", () => {
    const memory = new TurnMemory();
    for (let index = 0; index < TURNS_MAX; index++) memory.remember(`s${index}`, TURN);
    memory.remember("s0", TURN);
    memory.remember("one more", TURN);
    assert.equal(memory.recall("s1"), null);
    for (const name of ["s0", "s2", "one more"]) assert.notEqual(memory.recall(name), null, name);
  });
});
