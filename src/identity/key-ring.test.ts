/** Which secrets open a key: rotation with and without an overlap, revocation, secrets of the file. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { VirtualKeyId } from "../core/ids.ts";
import type { AdminChangeRecord } from "../journal/record.ts";
import { Identities, type SecretChange } from "./changes.ts";
import { Hasher, keyEntries, KeyRing } from "./key-ring.ts";

const ADA = "ada" as VirtualKeyId;
const hasher = new Hasher(Buffer.from("a pepper of the node"));
const NOW_MS = Date.parse("2026-11-23T10:00:00Z");

/** Changes of one key, folded as from the journal; each is at the next second. */
class Story {
  readonly identities = new Identities();
  readonly #fileSecret: string | null;
  #nowMs = NOW_MS;

  constructor(fileSecret: string | null) {
    this.#fileSecret = fileSecret;
  }

  change(action: AdminChangeRecord["action"], after: unknown = null, id = "ada"): this {
    const time = new Date((this.#nowMs += 1_000)).toISOString();
    const changed = { entity: "virtual_key", id, before: null, after };
    this.identities.apply({ type: "admin_change", time, actor: "admin", action, ...changed });
    return this;
  }

  /** A rotation as the administration records it. */
  rotate(secret: string, replaced: readonly (readonly [secret: string, untilMs: number])[]): this {
    const change: SecretChange = {
      key_hash: hasher.hash(secret),
      replaced: replaced.map(([old, untilMs]) => ({
        key_hash: hasher.hash(old),
        until_ms: untilMs,
      })),
    };
    return this.change("rotate", change);
  }

  /** Whether the secret opens the key, and what is said where it does not. */
  state(secret: string, nowMs = this.#nowMs): string {
    const fileHash = this.#fileSecret === null ? null : hasher.hash(this.#fileSecret);
    const changes = this.identities.changesOf("ada");
    const ring = new KeyRing(hasher, keyEntries({ id: ADA, fileHash, changes }));
    return ring.identify(secret, nowMs).state;
  }
}

test("a hash is HMAC-SHA-256 under the pepper, however long either is", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bytes, fc.string({ maxLength: 200 }), (pepper, secret) => {
      const expected = createHmac("sha256", pepper).update(secret).digest("hex");
      const own = new Hasher(Buffer.from(pepper));
      assert.equal(own.hash(secret), expected);
      assert.equal(own.hash(secret), expected);
    }),
  );
});

describe("a key with a secret in the file", () => {
  test("is opened by it, and by nothing else", () => {
    const story = new Story("vk_file");
    assert.equal(story.state("vk_file"), "known");
    assert.equal(story.state("vk_other"), "unknown");
    assert.equal(story.state(""), "unknown");
  });

  test("rotated: the new one opens it; the file's is void", () => {
    const story = new Story("vk_file").rotate("vk_new", [["vk_file", NOW_MS]]);
    assert.deepEqual([story.state("vk_file"), story.state("vk_new")], ["revoked", "known"]);
  });

  test("rotated with an overlap: both open it until that ends", () => {
    const untilMs = NOW_MS + 60_000;
    const story = new Story("vk_file").rotate("vk_new", [["vk_file", untilMs]]);
    assert.equal(story.state("vk_file", untilMs - 1), "known");
    assert.equal(story.state("vk_file", untilMs), "revoked");
    assert.equal(story.state("vk_new", untilMs), "known");
  });

  test("rotated, and then a third secret in the file: that one opens it too", () => {
    const before = new Story("vk_file").rotate("vk_new", [["vk_file", NOW_MS]]);
    const changes = before.identities.changesOf("ada");
    const entries = keyEntries({ id: ADA, fileHash: hasher.hash("vk_third"), changes });
    const ring = new KeyRing(hasher, entries);
    const states = ["vk_file", "vk_new", "vk_third"].map(
      (secret) => ring.identify(secret, NOW_MS).state,
    );
    assert.deepEqual(states, ["revoked", "known", "known"]);
  });

  test("revoked: nothing opens it, and it is told so", () => {
    const story = new Story("vk_file").change("revoke");
    assert.equal(story.state("vk_file"), "revoked");
    assert.equal(story.state("vk_other"), "unknown");
  });

  test("revoked, then rotated: only the new secret opens it", () => {
    const story = new Story("vk_file").change("revoke").rotate("vk_new", [["vk_file", 0]]);
    assert.deepEqual([story.state("vk_file"), story.state("vk_new")], ["revoked", "known"]);
  });
});

describe("a key made through the API", () => {
  const made = (story: Story) =>
    story.change("create", { fields: { id: "ada" }, key_hash: hasher.hash("vk_one") });

  test("is opened by the secret that it was given", () => {
    assert.equal(made(new Story(null)).state("vk_one"), "known");
  });

  test("rotated twice: only the last secret opens it", () => {
    const story = made(new Story(null))
      .rotate("vk_two", [["vk_one", NOW_MS]])
      .rotate("vk_three", [["vk_two", NOW_MS]]);
    const states = ["vk_one", "vk_two", "vk_three"].map((secret) => story.state(secret));
    assert.deepEqual(states, ["revoked", "revoked", "known"]);
  });

  test("an overlap that is cut short by a second rotation ends then", () => {
    const longMs = NOW_MS + 3_600_000;
    const soonMs = NOW_MS + 10_000;
    const story = made(new Story(null))
      .rotate("vk_two", [["vk_one", longMs]])
      .rotate("vk_three", [
        ["vk_one", soonMs],
        ["vk_two", soonMs],
      ]);
    for (const secret of ["vk_one", "vk_two"]) {
      assert.equal(story.state(secret, soonMs - 1), "known");
      assert.equal(story.state(secret, soonMs), "revoked");
    }
    assert.equal(story.state("vk_three", soonMs), "known");
  });

  test("deleted and made again: the old secret is unknown", () => {
    const story = made(new Story(null)).change("revoke").change("delete");
    assert.equal(story.state("vk_one"), "unknown");
    story.change("create", { fields: { id: "ada" }, key_hash: hasher.hash("vk_two") });
    assert.deepEqual([story.state("vk_one"), story.state("vk_two")], ["unknown", "known"]);
  });

  test("an update keeps its secrets", () => {
    const story = made(new Story(null)).change("update", { fields: { id: "ada", name: "Ada" } });
    assert.equal(story.state("vk_one"), "known");
  });
});

describe("identities", () => {
  test("keep keys apart, and leave other entities alone", () => {
    const story = new Story(null).change("create", { fields: {}, key_hash: "0a" }, "bob");
    story.identities.apply({
      type: "admin_change",
      time: "2026-11-23T10:00:00.000Z",
      actor: "admin",
      action: "revoke",
      entity: "team",
      id: "bob",
      before: null,
      after: null,
    });
    assert.equal(story.identities.changesOf("bob").revokedMs, null);
    assert.deepEqual(story.identities.changesOf("ada").given, []);
    assert.equal(story.identities.changesOf("bob").given.length, 1);
  });

  test("come back from a snapshot as they were, and go on the same way", () => {
    const story = new Story("vk_file")
      .rotate("vk_new", [["vk_file", NOW_MS + 5_000]])
      .change("create", { fields: { id: "bob" }, key_hash: "0b" }, "bob")
      .change("revoke", null, "bob");
    const saved: unknown = JSON.parse(JSON.stringify(story.identities.snapshot()));
    const restored = Identities.restore(saved);
    assert.deepEqual(restored.snapshot(), story.identities.snapshot());
    assert.deepEqual(restored.changesOf("ada"), story.identities.changesOf("ada"));
    assert.deepEqual(restored.changesOf("bob"), story.identities.changesOf("bob"));
  });
});

describe("hashes", () => {
  test("depend on the pepper and show nothing of the secret", () => {
    const other = new Hasher(Buffer.from("another pepper"));
    assert.notEqual(hasher.hash("vk_a"), other.hash("vk_a"));
    assert.match(hasher.hash("vk_a"), /^[0-9a-f]{64}$/);
    assert.equal(hasher.hash("vk_a"), hasher.hash("vk_a"));
  });

  test("two keys are told apart by their secrets", () => {
    const entry = (id: string) => ({
      virtualKey: id as VirtualKeyId,
      hash: hasher.hash(`vk_${id}`),
      untilMs: null,
      revoked: false,
    });
    const ring = new KeyRing(hasher, [entry("ada"), entry("bob")]);
    assert.deepEqual(ring.identify("vk_bob", NOW_MS), { state: "known", virtualKey: "bob" });
  });
});
