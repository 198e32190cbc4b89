/** Which session window a request spends from, whatever its client sends. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Sessions, sessionWindowName } from "./sessions.ts";

const NOW_MS = Date.parse("2026-11-23T22:30:00Z");
const HOUR_MS = 3_600_000;
const TODAY = "default 2026-11-23";

describe("the name of a session's window", () => {
  const ROWS = [
    ["its own id", "3f0c", "3f0c"],
    ["none sent", null, TODAY],
    ["an empty one", "", TODAY],
    ["128 bytes", "x".repeat(128), "x".repeat(128)],
    ["129 bytes", "x".repeat(129), TODAY],
    ["65 characters of two bytes", "é".repeat(65), TODAY],
    ["64 characters of two bytes", "é".repeat(64), "é".repeat(64)],
  ] as const;
  for (const [what, sent, name] of ROWS)
    test(what, () => {
      assert.equal(sessionWindowName(sent, NOW_MS), name);
      assert.equal(new Sessions().nameOf("ada", sent, NOW_MS), name);
    });

  test("without an id it is new each day", () => {
    assert.equal(sessionWindowName(null, NOW_MS + 2 * HOUR_MS), "default 2026-11-24");
  });
});

describe("too many sessions", () => {
  function crowded(): Sessions {
    const sessions = new Sessions();
    for (let count = 0; count < 1_000; count++) sessions.nameOf("ada", `s${count}`, NOW_MS + count);
    return sessions;
  }

  test("the thousand and first within an hour spends from the key's default session", () => {
    const sessions = crowded();
    assert.equal(sessions.nameOf("ada", "one more", NOW_MS + 1_000), TODAY);
    assert.equal(sessions.nameOf("ada", "s5", NOW_MS + 1_000), "s5", "known ones go on");
    assert.equal(sessions.nameOf("bob", "one more", NOW_MS + 1_000), "one more");
  });

  test("there is room once others have been idle for an hour", () => {
    const sessions = crowded();
    assert.equal(sessions.nameOf("ada", "one more", NOW_MS + HOUR_MS - 1), TODAY);
    assert.equal(sessions.nameOf("ada", "one more", NOW_MS + HOUR_MS), "one more");
    assert.equal(sessions.nameOf("ada", "another", NOW_MS + HOUR_MS), TODAY);
  });

  test("a key's sessions are shown with their last use", () => {
    const sessions = new Sessions();
    sessions.nameOf("ada", "s", NOW_MS);
    sessions.nameOf("ada", "s", NOW_MS + 5);
    sessions.nameOf("ada", null, NOW_MS + 6);
    assert.deepEqual([...sessions.of("ada")], [["s", NOW_MS + 5]]);
    assert.deepEqual([...sessions.of("bob")], []);
  });
});

describe("the name of a subagent's window", () => {
  const session = { virtualKey: "ada", name: "s" };

  test("its own id, of at most 128 bytes", () => {
    const sessions = new Sessions();
    assert.equal(sessions.agentOf(session, "a1"), "a1");
    assert.equal(sessions.agentOf(session, "x".repeat(129)), "others");
  });

  test("the thousand and first agent of a session shares one with those behind it", () => {
    const sessions = new Sessions();
    for (let count = 0; count < 1_000; count++)
      assert.equal(sessions.agentOf(session, `a${count}`), `a${count}`);
    assert.equal(sessions.agentOf(session, "more"), "others");
    assert.equal(sessions.agentOf(session, "still more"), "others");
    assert.equal(sessions.agentOf(session, "a0"), "a0");
    assert.equal(sessions.agentOf({ ...session, name: "t" }, "more"), "more");
  });
});
