/** The body scan again, byte by byte and naively: the oracle that the fast one is compared with. */

export interface ReferenceField {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

export interface ReferenceScan {
  /** Offset of the fault; null where the body passes. */
  readonly faultAt: number | null;
  readonly fields: readonly ReferenceField[];
  readonly closeAt: number;
  /** Of the strings' `\u` escapes; meaningful where the body passes. */
  readonly unicodeEscapes: number;
}

/** With "lenient" brackets, nested ones need only balance, whatever their kind. */
export type Brackets = "strict" | "lenient";

/** Scans `body`; a key of `governed` may stand once. */
export function referenceScan(
  body: Buffer,
  brackets: Brackets,
  governed: ReadonlySet<string>,
): ReferenceScan {
  const scan = new NaiveScan(body, brackets, governed);
  try {
    const closeAt = scan.object();
    return { faultAt: null, fields: scan.fields, closeAt, unicodeEscapes: scan.unicodeEscapes };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { faultAt: error.at, fields: scan.fields, closeAt: 0, unicodeEscapes: 0 };
  }
}

class Fault extends Error {
  readonly at: number;

  constructor(at: number) {
    super(`fault at ${at}`);
    this.at = at;
  }
}

class NaiveScan {
  readonly fields: ReferenceField[] = [];
  unicodeEscapes = 0;
  readonly #body: Buffer;
  readonly #brackets: Brackets;
  readonly #governed: ReadonlySet<string>;
  #at = 0;

  constructor(body: Buffer, brackets: Brackets, governed: ReadonlySet<string>) {
    this.#body = body;
    this.#brackets = brackets;
    this.#governed = governed;
  }

  object(): number {
    this.#skipSpace();
    this.#expect("{");
    this.#skipSpace();
    while (this.#here() !== "}" || this.fields.length > 0) {
      this.#member();
      this.#skipSpace();
      this.#refuseEnd();
      if (this.#here() === "}") break;
      this.#expect(",");
      this.#skipSpace();
    }
    const closeAt = this.#at;
    this.#at += 1;
    this.#skipSpace();
    if (this.#at < this.#body.length) throw new Fault(this.#at);
    return closeAt;
  }

  /** The byte here as a character; empty at the end. */
  #here(): string {
    return this.#body.toString("latin1", this.#at, this.#at + 1);
  }

  #skipSpace(): void {
    while (/^[ \n\r\t]$/.test(this.#here())) this.#at += 1;
  }

  #expect(character: string): void {
    if (this.#here() !== character) throw new Fault(this.#at);
    this.#at += 1;
  }

  #refuseEnd(): void {
    if (this.#at >= this.#body.length) throw new Fault(this.#body.length);
  }

  #member(): void {
    const keyAt = this.#at;
    this.#refuseEnd();
    const key = this.#string();
    this.#skipSpace();
    this.#refuseEnd();
    this.#expect(":");
    this.#skipSpace();
    const start = this.#at;
    this.#value();
    const isRepeated = this.fields.some((field) => field.key === key);
    if (isRepeated && this.#governed.has(key)) throw new Fault(keyAt);
    this.fields.push({ key, start, end: this.#at });
  }

  #value(): void {
    this.#refuseEnd();
    const character = this.#here();
    if (/[{[]/.test(character)) this.#container();
    else if (character === '"') this.#string();
    else if (/[-0-9]/.test(character)) this.#number();
    else this.#literal();
  }

  #literal(): void {
    for (const literal of ["true", "false", "null"]) {
      const end = this.#at + literal.length;
      const found = this.#body.toString("latin1", this.#at, end);
      if (found === literal) {
        this.#at = end;
        return;
      }
      const isCut = end > this.#body.length && found !== "" && literal.startsWith(found);
      if (isCut) throw new Fault(this.#body.length);
    }
    throw new Fault(this.#at);
  }

  #string(): string {
    const start = this.#at;
    this.#expect('"');
    for (;;) {
      this.#refuseEnd();
      const character = this.#here();
      if (character < " ") throw new Fault(this.#at);
      if (character === "\\") this.#escape();
      else this.#at += 1;
      if (character === '"')
        return String(JSON.parse(this.#body.toString("utf8", start, this.#at)));
    }
  }

  #escape(): void {
    const backslashAt = this.#at;
    this.#at += 1;
    this.#refuseEnd();
    const letter = this.#here();
    if (!'"\\/bfnrtu'.includes(letter)) throw new Fault(backslashAt);
    this.#at += 1;
    if (letter !== "u") return;
    for (let digit = 0; digit < 4; digit++) {
      this.#refuseEnd();
      if (!/[0-9a-fA-F]/.test(this.#here())) throw new Fault(backslashAt);
      this.#at += 1;
    }
    this.unicodeEscapes += 1;
  }

  #number(): void {
    if (this.#here() === "-") this.#at += 1;
    if (this.#here() === "0") this.#at += 1;
    else this.#digits();
    if (this.#here() === ".") {
      this.#at += 1;
      this.#digits();
    }
    if (!/[eE]/.test(this.#here())) return;
    this.#at += 1;
    if (/[-+]/.test(this.#here())) this.#at += 1;
    this.#digits();
  }

  #digits(): void {
    if (!/[0-9]/.test(this.#here())) throw new Fault(this.#at);
    while (/[0-9]/.test(this.#here())) this.#at += 1;
  }

  #container(): void {
    const open: string[] = [];
    let inString = false;
    for (; this.#at < this.#body.length; this.#at++) {
      const character = this.#here();
      if (character === "\\") this.#disarm();
      else if (character === '"') inString = !inString;
      else if (!inString) this.#bracket(character, open);
      if (open.length === 0) {
        this.#at += 1;
        return;
      }
    }
    throw new Fault(this.#body.length);
  }

  /** A backslash takes the next quote or backslash with it, in a string or not. */
  #disarm(): void {
    const next = this.#body.toString("latin1", this.#at + 1, this.#at + 2);
    if (next === "u") this.unicodeEscapes += 1;
    if (next === '"' || next === "\\") this.#at += 1;
  }

  #bracket(character: string, open: string[]): void {
    if (character === "{") open.push("}");
    else if (character === "[") open.push("]");
    else if (character === "}" || character === "]") {
      const expected = open.pop();
      if (this.#brackets === "strict" && expected !== character) throw new Fault(this.#at);
    }
  }
}
