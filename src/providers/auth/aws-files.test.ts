import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock } from "../../core/time.ts";
import { parseSections, readProfiles } from "./aws-files.ts";
import type { Profiles } from "./aws-files.ts";
import type { Machine } from "./machine.ts";

function plain(profiles: Profiles): Record<string, Record<string, string>> {
  return Object.fromEntries([...profiles].map(([name, of]) => [name, Object.fromEntries(of)]));
}

function machineWith(files: Record<string, string>, environment = {}): Machine {
  const client = { send: () => assert.fail("no call is made"), close: () => Promise.resolve() };
  const readFile = (path: string): Promise<string> => {
    const text = files[path];
    return text === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(text);
  };
  return {
    clock: systemClock,
    client,
    environment: { HOME: "/h", ...environment },
    readFile,
    callDeadlineMs: 1,
  };
}

test("sections, comments, blanks, and values that continue", () => {
  const text = [
    "stray = 1",
    "; a comment",
    "[default]  # the usual one",
    "AWS_Access_Key_Id=AKIA1",
    "aws_secret_access_key = a=b/c+d#e ; comment",
    "s3 =",
    "  max_concurrent_requests = 20",
    "",
    "[ other ]\r",
    "region = eu-central-1\r",
    "[default]",
    "region = us-east-1",
  ].join("\n");
  assert.deepEqual(plain(parseSections(text)), {
    default: {
      aws_access_key_id: "AKIA1",
      aws_secret_access_key: "a=b/c+d#e",
      s3: "",
      region: "us-east-1",
    },
    other: { region: "eu-central-1" },
  });
});

test("what is written is read back", () => {
  const word = fc.stringMatching(/^[a-z_]{1,8}$/);
  const value = fc.stringMatching(/^[A-Za-z0-9/+=]{0,20}$/);
  const file = fc.dictionary(word, fc.dictionary(word, value, { noNullPrototype: true }), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(
      file,
      fc.constantFrom("\n", "\r\n"),
      fc.constantFrom("=", " = "),
      (all, end, is) => {
        const text = Object.entries(all).flatMap(([name, fields]) => [
          `[${name}]`,
          ...Object.entries(fields).map(([field, text]) => field + is + text),
        ]);
        assert.deepEqual(plain(parseSections(text.join(end))), all);
      },
    ),
  );
});

test("no text makes the reader fail", () => {
  const noise = fc.string({ unit: fc.constantFrom("[", "]", "=", "#", ";", " ", "\n", "\r", "a") });
  fc.assert(fc.property(noise, (text) => parseSections(text) instanceof Map));
});

test("both files make one profile, and the credentials file has the last word", async () => {
  const machine = machineWith({
    "/h/.aws/credentials": "[work]\naws_access_key_id=A\nregion=of-credentials\n",
    "/h/.aws/config":
      "[default]\nregion=d\n[profile work]\nregion=c\noutput=json\n" +
      '[profile "with space"]\nregion=s\n[sso-session x]\nregion=x\n[work]\noutput=ignored\n',
  });
  assert.deepEqual(plain(await readProfiles(machine)), {
    default: { region: "d" },
    work: { aws_access_key_id: "A", region: "of-credentials", output: "json" },
    "with space": { region: "s" },
  });
});

test("the environment names other files; none at all is no profile", async () => {
  const environment = { AWS_CONFIG_FILE: "/c", AWS_SHARED_CREDENTIALS_FILE: "/s" };
  const machine = machineWith({ "/c": "[profile a]\nx=1", "/s": "[b]\ny=2" }, environment);
  assert.deepEqual(plain(await readProfiles(machine)), { a: { x: "1" }, b: { y: "2" } });
  assert.deepEqual(plain(await readProfiles(machineWith({}))), {});
});
