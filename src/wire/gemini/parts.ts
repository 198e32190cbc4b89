/** Writes the parts of a Gemini answer as content blocks, and its thought signatures into them. */
import { isObject } from "../anthropic/value.ts";
import type { MessageWriter } from "../canonical/writer.ts";
import type { Carried } from "./signature.ts";
import { encodeSignatures, isSignature } from "./signature.ts";

const ID = /^[\w-]{1,64}$/;

/** Takes the parts of one answer, in their order. */
export class PartsWriter {
  readonly #writer: MessageWriter;
  /** Begins the ids of calls that came without one. */
  readonly #idStem: string;
  readonly #ids = new Set<string>();
  #open: "text" | "thinking" | null = null;
  /** Signatures that wait for the block that can carry them. */
  #waiting: Carried = {};
  #isEmpty = true;

  constructor(writer: MessageWriter, messageId: string) {
    this.#writer = writer;
    this.#idStem = `toolu_${messageId.replace(/^msg_/, "").replaceAll(/[^\w-]/g, "_")}`;
  }

  get calledTools(): boolean {
    return this.#ids.size > 0;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Writes one part; false for one that cannot be true. Kinds that were not asked for are passed over. */
  part(part: unknown): boolean {
    if (!isObject(part)) return false;
    const { text, functionCall, thoughtSignature } = part;
    const signature = isSignature(thoughtSignature) ? thoughtSignature : undefined;
    if (functionCall !== undefined) return this.#call(functionCall, signature);
    if (text === undefined) return true;
    if (typeof text !== "string") return false;
    if (part["thought"] === true) this.#thought(text, signature);
    else this.#text(text, signature);
    return true;
  }

  /** Nothing follows. The signature of a last text is given up: it would be a block after the answer. */
  end(): void {
    if (this.#open === "thinking") this.#sign({});
  }

  #thought(text: string, signature: string | undefined): void {
    if (text !== "") {
      this.#isEmpty = false;
      this.#open = "thinking";
      this.#writer.thinking(text);
    }
    if (signature !== undefined) this.#waiting = { ...this.#waiting, thought: signature };
  }

  #text(text: string, signature: string | undefined): void {
    if (this.#open === "text") {
      this.#writer.text(text);
      if (signature !== undefined) this.#waiting = { ...this.#waiting, previous: signature };
      return;
    }
    if (text === "") {
      // The signature of thoughts that came without a text of their own.
      if (this.#open === "thinking") this.#thought("", signature);
      return;
    }
    this.#isEmpty = false;
    this.#sign({ next: signature });
    this.#open = "text";
    this.#writer.text(text);
  }

  #call(call: unknown, signature: string | undefined): boolean {
    if (!isObject(call)) return false;
    const { name } = call;
    const args = call["args"] ?? {};
    if (typeof name !== "string" || name === "" || !isObject(args)) return false;
    this.#isEmpty = false;
    this.#sign({ next: signature });
    this.#open = null;
    const id = this.#idOf(call["id"]);
    this.#writer.openTool(id, { id, name });
    this.#writer.toolInput(id, JSON.stringify(args));
    this.#writer.closeTool(id);
    return true;
  }

  /** Signs the thinking that is open, or an empty one, with all that waits. */
  #sign(more: Carried): void {
    const signature = encodeSignatures({ ...this.#waiting, ...more });
    this.#waiting = {};
    if (signature !== null) this.#writer.signature(signature);
  }

  #idOf(own: unknown): string {
    let id = typeof own === "string" && ID.test(own) && !this.#ids.has(own) ? own : null;
    for (let n = this.#ids.size; id === null; n++) {
      const made = `${this.#idStem}_${n}`;
      if (!this.#ids.has(made)) id = made;
    }
    this.#ids.add(id);
    return id;
  }
}
