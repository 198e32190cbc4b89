/** What the last exact turn of a session says about the next: a far tighter bound of its input. */

/** An answered turn of one agent of one session, by the provider's own figures. */
export interface Turn {
  /** Length and hash of the part of the body that the next turn may repeat. */
  readonly prefix: { readonly bytes: number; readonly hash: string };
  /** Names model, tools, system and betas. */
  readonly shape: string;
  /** Cached tokens included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly images: number;
  /** The answer was cut at a `max_tokens` that had been lowered to this; null: it was not. */
  readonly cutAt: number | null;
}

/** What a body holds behind the prefix of the turn before. */
export interface Appendix {
  readonly asciiBytes: number;
  readonly nonAsciiBytes: number;
  readonly unicodeEscapes: number;
  readonly blocks: number;
}

const BLOCK_TOKENS = 64;
/** As in the bound by bytes: a tokenizer that normalises can turn a character into so many tokens. */
const NON_ASCII_TOKENS = 11;
const ESCAPE_TOKENS = 33;
const TURNS_MAX = 20_000;

/** The most tokens that the input can have when it repeats `turn`'s prefix and adds `appendix`. */
export function inputTokensAfter(turn: Turn, appendix: Appendix): number {
  return (
    turn.inputTokens +
    turn.outputTokens +
    appendix.asciiBytes +
    NON_ASCII_TOKENS * appendix.nonAsciiBytes +
    ESCAPE_TOKENS * appendix.unicodeEscapes +
    BLOCK_TOKENS * appendix.blocks
  );
}

/** The last turn of each (virtual key, session, agent); the least recently used are forgotten. */
export class TurnMemory {
  readonly #turns = new Map<string, Turn>();

  recall(name: string): Turn | null {
    return this.#turns.get(name) ?? null;
  }

  remember(name: string, turn: Turn): void {
    this.#turns.delete(name);
    this.#turns.set(name, turn);
    if (this.#turns.size <= TURNS_MAX) return;
    const oldest = this.#turns.keys().next();
    if (oldest.done !== true) this.#turns.delete(oldest.value);
  }

  forget(name: string): void {
    this.#turns.delete(name);
  }
}
