/** One exchange of the socket client: how far it has come, and what its caller can do to it. */
import type {
  UpstreamEvents,
  UpstreamExchange,
  UpstreamFailure,
  UpstreamRequest,
} from "../upstream.ts";

/** Where an exchange waits or runs. */
export interface Carrier {
  readonly pause: () => void;
  readonly resume: () => void;
  /** The exchange is over: nothing more of it may be told. */
  readonly abandon: (exchange: SocketExchange) => void;
}

export interface WrittenRequest {
  readonly head: string;
  /** Without empty chunks. */
  readonly body: readonly Buffer[];
  readonly bodyBytes: number;
}

/** Its functions may be passed around unbound. */
export class SocketExchange implements UpstreamExchange {
  readonly isHeadRequest: boolean;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Monotonic. */
  readonly startedMs: number;
  /** Until it is handed to a connection. */
  written: WrittenRequest | null;
  carrier: Carrier | null = null;
  isPaused = false;
  #isOver = false;
  readonly #events: UpstreamEvents;

  constructor(
    request: UpstreamRequest,
    events: UpstreamEvents,
    prepared: { readonly written: WrittenRequest | null; readonly startedMs: number },
  ) {
    this.isHeadRequest = request.method === "HEAD";
    this.firstByteTimeoutMs = request.firstByteTimeoutMs;
    this.idleTimeoutMs = request.idleTimeoutMs;
    this.startedMs = prepared.startedMs;
    this.written = prepared.written;
    this.#events = events;
  }

  readonly pause = (): void => {
    if (this.#isOver || this.isPaused) return;
    this.isPaused = true;
    this.carrier?.pause();
  };

  readonly resume = (): void => {
    if (this.#isOver || !this.isPaused) return;
    this.isPaused = false;
    this.carrier?.resume();
  };

  readonly cancel = (): void => {
    if (this.#isOver) return;
    const { carrier } = this;
    this.#finish();
    carrier?.abandon(this);
  };

  tellHead(status: number, headers: Readonly<Record<string, string>>): void {
    this.#events.onHead(status, headers);
  }

  tellData(chunk: Buffer): void {
    this.#events.onData(chunk);
  }

  tellEnd(): void {
    this.#finish();
    this.#events.onEnd();
  }

  tellFailure(failure: UpstreamFailure): void {
    if (this.#isOver) return;
    this.#finish();
    this.#events.onFailure(failure);
  }

  /** For what fails while `send` still runs: events come after it has returned. */
  tellFailureSoon(failure: UpstreamFailure): void {
    queueMicrotask(() => this.tellFailure(failure));
  }

  #finish(): void {
    this.#isOver = true;
    this.written = null;
    this.carrier = null;
  }
}
