/** Random levels against a model that knows no expressions, no sharing and no order but the levels'. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  ACCESS_LISTS,
  type AccessConfig,
  type AccessList,
  type AccessListName,
} from "../../config/access-config.ts";
import { NO_GOVERNANCE } from "../../config/governance-config.ts";
import type { Config } from "../../config/config.ts";
import type { PlanLevel } from "../plan.ts";
import { createAccessCompiler, nameOf } from "./chain.ts";
import { type Asked, objectionTo } from "./judge.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000_000);
const RUNS = 1_500;
const WORDS = ["a", "b", "ab", "ba", "abb", "x-app", "web_search", "web_search_20260209"] as const;
const PATTERNS = [...WORDS, "*", "a*", "*b", "?b", "web_*", "a?b"] as const;
/** Lists whose values are compared as they are. */
const PLAIN = ["providers", "dialects", "task_types", "betas"] as const;
const TYPES = ["customer", "team", "owner", "virtual_key"] as const;

type Mode = "enforce" | "observe" | null;
type Values = Readonly<Partial<Record<AccessListName, readonly string[]>>>;

interface Level {
  readonly mode: Mode;
  readonly lists: Readonly<Partial<Record<AccessListName, AccessList>>>;
}

const patterns = fc.array(fc.constantFrom<string>(...PATTERNS), { maxLength: 3 });
const list: fc.Arbitrary<AccessList> = fc.record({
  allow: fc.option(patterns),
  deny: patterns,
});
const level: fc.Arbitrary<Level> = fc.record({
  mode: fc.oneof(
    { weight: 8, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom<Mode>("enforce", "observe") },
  ),
  lists: fc.dictionary(fc.constantFrom<string>(...PLAIN), list, { maxKeys: 3 }),
});
const levels = fc.array(level, { minLength: 4, maxLength: 4 });
const root = fc.record({
  mode: fc.constantFrom<"enforce" | "observe">("enforce", "observe"),
  level,
});
const values: fc.Arbitrary<Values> = fc.dictionary(
  fc.constantFrom<string>(...PLAIN),
  fc.array(fc.constantFrom<string>(...WORDS), { maxLength: 3 }),
);

/** A glob without expressions: by its first character. */
function fits(pattern: string, value: string): boolean {
  const [head] = pattern;
  if (head === undefined) return value === "";
  const rest = pattern.slice(1);
  if (head === "*") return fits(rest, value) || (value !== "" && fits(pattern, value.slice(1)));
  return value !== "" && (head === "?" || head === value[0]) && fits(rest, value.slice(1));
}

function isAllowed({ lists }: Level, asked: Values): boolean {
  for (const [name, all] of Object.entries(asked)) {
    const rule = lists[name as AccessListName];
    for (const value of all) {
      if (rule?.deny.some((pattern) => fits(pattern, value)) === true) return false;
      if (rule?.allow?.some((pattern) => fits(pattern, value)) === false) return false;
    }
  }
  return true;
}

interface Setting {
  readonly mode: "enforce" | "observe";
  /** The file's own, then customer, team, owner, key. */
  readonly all: readonly Level[];
}

/** Whether enforced and observed levels allow, by the model. */
function expected({ mode, all }: Setting, asked: Values) {
  let isPaper = mode === "observe";
  const said = { enforced: true, observed: true };
  for (const each of all) {
    isPaper ||= each.mode === "observe";
    if (!isAllowed(each, asked)) said[isPaper ? "observed" : "enforced"] = false;
  }
  return said;
}

function chainOf({ mode, all: [file, ...scopes] }: Setting, compile = compilerOf(mode, file)) {
  return compile(
    scopes.map(({ mode: own, lists }, index): PlanLevel => {
      const type = TYPES[index] ?? "virtual_key";
      const access: AccessConfig = { lists, hours: null };
      return {
        scope: { type, id: `${type}-1` },
        governance: { ...NO_GOVERNANCE, mode: own, access },
      };
    }),
  );
}

function compilerOf(mode: Config["mode"], file: Level | undefined) {
  return createAccessCompiler({ mode, access: { lists: file?.lists ?? {}, hours: null } });
}

function askedOf(asked: Values): Asked {
  const entries = Object.entries(asked).map(([name, all]) => [name, () => all] as const);
  return { values: Object.fromEntries(entries), hidden: [], atMs: null };
}

function said(setting: Setting, asked: Values) {
  const chain = chainOf(setting);
  const { enforced = null, observed = null } = chain ?? {};
  return {
    enforced: enforced === null || objectionTo(enforced, askedOf(asked)) === null,
    observed: observed === null || objectionTo(observed, askedOf(asked)) === null,
  };
}

const settings = fc.tuple(root, levels).map(([{ mode, level: file }, rest]): Setting => ({
  mode,
  all: [{ ...file, mode: null }, ...rest],
}));

describe("a chain", () => {
  console.log(`seed ${SEED}`);

  test("allows what every level allows, as the model says", () => {
    fc.assert(
      fc.property(settings, values, (setting, asked) => {
        assert.deepEqual(said(setting, asked), expected(setting, asked));
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  test("a rule more, at any level, never allows more", () => {
    fc.assert(
      fc.property(settings, values, fc.nat(4), level, (setting, asked, at, more) => {
        const all = setting.all.map((each, index) =>
          index === at ? { ...each, lists: joined(each.lists, more.lists) } : each,
        );
        const before = said(setting, asked);
        const after = said({ ...setting, all }, asked);
        assert.ok(before.enforced || !after.enforced);
        assert.ok(before.observed || !after.observed);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  test("deny wins over every allow of its own and other levels", () => {
    fc.assert(
      fc.property(levels, fc.constantFrom(...PLAIN), fc.nat(3), (rest, name, at) => {
        const all = rest.map((each, index) => ({
          mode: null,
          lists: {
            ...each.lists,
            [name]: { allow: ["*"], deny: index === at ? ["ab"] : [] },
          },
        }));
        const setting: Setting = { mode: "enforce", all: [{ mode: null, lists: {} }, ...all] };
        assert.equal(said(setting, { [name]: ["ab"] }).enforced, false);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  test("keys without rules of their own share their team's, and silence is none", () => {
    const compile = createAccessCompiler({ mode: "enforce", access: null });
    const team: PlanLevel = {
      scope: { type: "team", id: "t" },
      governance: {
        ...NO_GOVERNANCE,
        mode: null,
        access: { lists: { betas: { allow: [], deny: [] } }, hours: null },
      },
    };
    const key = (id: string): PlanLevel => ({
      scope: { type: "virtual_key", id },
      governance: { ...NO_GOVERNANCE, mode: null, access: null },
    });
    assert.equal(compile([team, key("a")]), compile([team, key("b")]));
    assert.equal(compile([key("a")]), null);
  });

  test("the objection is the outermost level's, and says where its rule stands", () => {
    const lists = { providers: { allow: null, deny: ["x", "a*"] } };
    const only = { providers: { allow: ["b", "c"], deny: [] } };
    const all = [{}, {}, lists, {}, only].map((each): Level => ({ mode: null, lists: each }));
    const chain = chainOf({ mode: "enforce", all });
    assert.ok(chain?.enforced);
    const first = objectionTo(chain.enforced, askedOf({ providers: ["ab"] }));
    assert.equal(first?.rule, "teams[team-1].access.providers.deny[1]: a*");
    assert.equal(nameOf(first.level), "team/team-1");
    const second = objectionTo(chain.enforced, askedOf({ providers: ["d"] }));
    assert.equal(second?.rule, "virtual_keys[virtual_key-1].access.providers.allow: b, c");
  });
});

/** Both rules at once: what either denies, and of what is allowed only what both allow. */
function joined(one: Level["lists"], other: Level["lists"]): Level["lists"] {
  const both = ACCESS_LISTS.flatMap((name) => {
    const [left, right] = [one[name], other[name]];
    if (left === undefined || right === undefined) {
      const rule = left ?? right;
      return rule === undefined ? [] : [[name, rule] as const];
    }
    const deny = [...left.deny, ...right.deny];
    return [[name, { allow: left.allow ?? right.allow, deny }] as const];
  });
  return Object.fromEntries(both);
}

describe("what is compared in its own way", () => {
  const allows = (name: AccessListName, pattern: string, value: string): boolean => {
    const lists = { [name]: { allow: [pattern], deny: [] } };
    const chain = createAccessCompiler({ mode: "enforce", access: { lists, hours: null } })([]);
    assert.ok(chain?.enforced);
    return objectionTo(chain.enforced, askedOf({ [name]: [value] })) === null;
  };

  test("server tools by family and by type", () => {
    assert.ok(allows("server_tools", "web_search", "web_search_20260209"));
    assert.ok(allows("server_tools", "web_search_20260209", "web_search_20260209"));
    assert.ok(!allows("server_tools", "web_search_20250305", "web_search_20260209"));
    assert.ok(allows("server_tools", "computer", "computer_toolset_20260601"));
    assert.ok(allows("server_tools", "tool_search", "tool_search_tool_bm25_20251119"));
    assert.ok(allows("server_tools", "new_*", "new_tool_20270101"));
    assert.ok(!allows("server_tools", "web_search", "web_fetch_20260209"));
  });

  test("betas and headers whatever their case; what HTTP needs is always allowed", () => {
    assert.ok(allows("betas", "context-1m-*", "Context-1M-2025-08-07"));
    assert.ok(allows("headers", "X-App", "x-app"));
    assert.ok(!allows("headers", "x-app", "x-other"));
    for (const name of ["host", "x-api-key", "x-forwarded-for", "anthropic-beta"])
      assert.ok(allows("headers", "x-app", name));
  });

  test("models without the client's suffix, and under the names of clouds", () => {
    assert.ok(allows("models", "claude-opus-5-5", "claude-opus-5-5[1m]"));
    assert.ok(allows("models", "claude-opus-*", "us.anthropic.claude-opus-5-5-v1:0"));
    assert.ok(!allows("models", "claude-opus-*", "us.anthropic.claude-haiku-5-5-v1:0"));
  });

  test("what cannot be read is any value", () => {
    const verdict = (rule: AccessList): boolean => {
      const access: AccessConfig = { lists: { server_tools: rule }, hours: null };
      const chain = createAccessCompiler({ mode: "enforce", access })([]);
      assert.ok(chain?.enforced);
      const asked: Asked = { values: {}, hidden: ["server_tools"], atMs: null };
      return objectionTo(chain.enforced, asked) === null;
    };
    assert.ok(!verdict({ allow: null, deny: ["bash"] }));
    assert.ok(!verdict({ allow: ["bash"], deny: [] }));
    assert.ok(verdict({ allow: ["*"], deny: [] }));
  });
});
