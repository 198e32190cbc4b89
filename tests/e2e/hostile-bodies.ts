/** Generates Messages requests whose JSON is legal and as unusual as JSON can be. */
import fc from "fast-check";

const MODEL = "claude-haiku-5-5";

/** White space between tokens. */
const space = fc.constantFrom("", "", "", " ", "\n", "\t ", "\r\n  ");

/** A string as JSON text: escapes where none are needed, surrogates, quotes, braces. */
const jsonString = fc
  .oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom('","model":"x', "}]}", "\\", "\u2028", "𝄞", "￿", "\u0000", "ß".repeat(40)),
  )
  .chain((text) =>
    fc.boolean().map((escaped) => (escaped ? escapeAll(text) : JSON.stringify(text))),
  );

const jsonNumber = fc.constantFrom("0", "-0", "1e5", "-1.25E-7", "12345678901234567890", "0.1");
const jsonLeaf = fc.oneof(
  jsonString,
  jsonNumber,
  fc.constantFrom("true", "false", "null", "{}", "[]"),
);

const { value: jsonValue } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    jsonLeaf,
    fc
      .tuple(space, fc.array(tie("value"), { maxLength: 4 }))
      .map(([gap, items]) => `[${items.join(`${gap},`)}]`),
    fc
      .array(fc.tuple(jsonString, space, tie("value")), { maxLength: 4 })
      .map(
        (members) => `{${members.map(([key, gap, value]) => `${key}${gap}:${value}`).join(",")}}`,
      ),
  ),
}));

/** Fields that the gateway does not read; they may be repeated and must pass. */
const strangers = fc.array(
  fc.tuple(
    fc.constantFrom('"x_new"', '"temperature"', '"x\\u005fnew"', '""', '"Model"'),
    jsonValue,
  ),
  { maxLength: 4 },
);

/** One request body, as text. Always legal JSON with `model`, `max_tokens` and `messages`. */
export const hostileBody: fc.Arbitrary<string> = fc
  .record({ gap: space, content: jsonString, strangers, stream: fc.boolean(), seed: fc.nat() })
  .chain(({ gap, content, strangers: others, stream, seed }) => {
    const known = [
      [keyText("model", seed), `"${MODEL}"`],
      [keyText("max_tokens", seed >> 1), "100"],
      [keyText("messages", seed >> 2), `[{"content":${content},"role":"user"}]`],
      [keyText("stream", seed >> 3), String(stream)],
    ] as const;
    const members = [...known, ...others].map(([name, value]) => `${name}${gap}:${gap}${value}`);
    return fc
      .shuffledSubarray(members, { minLength: members.length })
      .map((shuffled) => `${gap}{${gap}${shuffled.join(`${gap},${gap}`)}${gap}}${gap}`);
  });

/** A request with that many nested arrays in a field of its own. */
export function deepBody(depth: number): string {
  const nested = `${"[".repeat(depth)}${"]".repeat(depth)}`;
  return `{"x":${nested},"model":"${MODEL}","max_tokens":10,"messages":[{"role":"user","content":"deep"}]}`;
}

/** A request of about that many bytes, most of them in one string. */
export function largeBody(bytes: number): string {
  const filler = "0123456789abcde\\n".repeat(Math.ceil(bytes / 17));
  return `{"messages":[{"role":"user","content":"${filler}"}],"max_tokens":10,"model":"${MODEL}"}`;
}

/** The key, sometimes with one of its characters escaped. */
function keyText(name: string, seed: number): string {
  if (seed % 4 !== 0) return `"${name}"`;
  const at = (seed >> 4) % name.length;
  const escaped = `\\u00${name.charCodeAt(at).toString(16)}`;
  return `"${name.slice(0, at)}${escaped}${name.slice(at + 1)}"`;
}

function escapeAll(text: string): string {
  let escaped = "";
  for (let index = 0; index < text.length; index++) {
    escaped += `\\u${text.charCodeAt(index).toString(16).padStart(4, "0")}`;
  }
  return `"${escaped}"`;
}
