/** The rehearsal provider behind the upstream port: answers in this process, at a believable pace. */
import { systemClock } from "../../core/time.ts";
import type { Clock } from "../../core/time.ts";
import type {
  UpstreamClient,
  UpstreamEvents,
  UpstreamExchange,
  UpstreamRequest,
} from "../upstream.ts";
import { RehearsalProvider } from "./response.ts";
import type { RehearsalResponse } from "./response.ts";

export interface RehearsalClientOptions {
  /** False: without waiting, for tests. Default: true. */
  readonly paced?: boolean;
  readonly clock?: Clock;
}

const FIRST_BYTE_MS = 150;
const PIECE_MS = 20;

/**
 * Makes a client that answers every request itself and opens no socket. An exchange never fails
 * but by `close`; its time-outs do not apply.
 */
export function createRehearsalClient(options: RehearsalClientOptions = {}): UpstreamClient {
  const { paced = true, clock = systemClock } = options;
  const provider = new RehearsalProvider(clock);
  const open = new Set<Playback>();
  let closed = false;
  return {
    send: (request: UpstreamRequest, events: UpstreamEvents): UpstreamExchange => {
      const playback = new Playback(events, { paced, onOver: () => open.delete(playback) });
      open.add(playback);
      playback.start(() => provider.respond(request));
      if (closed) queueMicrotask(() => playback.stop("refused"));
      return {
        pause: () => playback.pause(),
        resume: () => playback.resume(),
        cancel: () => playback.cancel(),
      };
    },
    close: () => {
      closed = true;
      open.forEach((playback) => playback.stop("reset"));
      return Promise.resolve();
    },
  };
}

interface PlaybackOptions {
  readonly paced: boolean;
  readonly onOver: () => void;
}

/** One exchange: what is still to be told, one event a timer tick. */
class Playback {
  readonly #events: UpstreamEvents;
  readonly #options: PlaybackOptions;
  #steps: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #paused = false;
  #over = false;

  constructor(events: UpstreamEvents, options: PlaybackOptions) {
    this.#events = events;
    this.#options = options;
  }

  start(respond: () => RehearsalResponse): void {
    this.#steps = [
      () => {
        const { status, headers, pieces } = respond();
        const data = pieces.map((piece) => () => this.#events.onData(piece));
        this.#steps.push(...data, () => this.#end());
        this.#events.onHead(status, headers);
      },
    ];
    this.#schedule(FIRST_BYTE_MS);
  }

  pause(): void {
    this.#paused = true;
    this.#unschedule();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#schedule(PIECE_MS);
  }

  cancel(): void {
    if (!this.#over) this.#finish();
  }

  /** The client closes under the exchange. */
  stop(kind: "refused" | "reset"): void {
    if (this.#over) return;
    this.#finish();
    const detail = "the rehearsal client was closed";
    this.#events.onFailure({ kind, sent: kind === "reset", detail });
  }

  #schedule(delayMs: number): void {
    this.#unschedule();
    if (this.#over || this.#paused) return;
    this.#timer = setTimeout(() => this.#step(), this.#options.paced ? delayMs : 0);
  }

  #unschedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #step(): void {
    try {
      this.#steps.shift()?.();
    } catch (cause) {
      if (this.#over) return;
      this.#finish();
      this.#events.onFailure({ kind: "protocol", sent: true, detail: String(cause) });
    }
    this.#schedule(PIECE_MS);
  }

  #end(): void {
    this.#finish();
    this.#events.onEnd();
  }

  #finish(): void {
    this.#over = true;
    this.#unschedule();
    this.#options.onOver();
  }
}
