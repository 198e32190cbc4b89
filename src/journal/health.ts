/** Whether the journal can be written, why not, and when to try again. */

/** Something that an operator should know, in one sentence without secrets. */
export interface JournalFault {
  readonly level: "info" | "error";
  readonly message: string;
}

/**
 * `sound`: everything is written. `outcomes_only`: intents are refused, outcomes are tried.
 * `broken`: the last try failed; the next one is due when a timer or a new outcome says so.
 */
export type HealthState = "sound" | "outcomes_only" | "broken";

const RETRY_INTERVAL_MS = 500;

export class Health {
  readonly #onFault: (fault: JournalFault) => void;
  readonly #retry: () => "tried" | "later";
  #state: HealthState = "sound";
  #reason: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param retry Called each 500 ms while not sound; "later" where other work is under way. */
  constructor(onFault: (fault: JournalFault) => void, retry: () => "tried" | "later") {
    this.#onFault = onFault;
    this.#retry = retry;
  }

  get state(): HealthState {
    return this.#state;
  }

  /** Null while sound. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Tells the operator once; later reasons of the same trouble only replace the sentence. */
  fail(state: Exclude<HealthState, "sound">, reason: string): void {
    const isNew = this.#reason === null;
    this.#state = state;
    this.#reason = reason;
    if (isNew) this.#onFault({ level: "error", message: reason });
    this.#arm();
  }

  /** Another try at outcomes is worth while; intents stay refused. */
  tryOutcomes(): void {
    this.#state = "outcomes_only";
  }

  heal(): void {
    this.#state = "sound";
    this.#reason = null;
    this.#onFault({ level: "info", message: "the journal can be written again" });
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#state !== "sound" && this.#retry() === "later") this.#arm();
    }, RETRY_INTERVAL_MS).unref();
  }
}
