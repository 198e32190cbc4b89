/** The port to an upstream: one exchange, streamed both ways, and every way in which it can fail. */

export interface UpstreamRequest {
  readonly method: "GET" | "POST" | "HEAD";
  /** Scheme, host and port: "https://api.anthropic.com". Comes from configuration alone. */
  readonly origin: string;
  /** Path with query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as one body with content-length; null for none. The buffers are not changed. */
  readonly body: readonly Buffer[] | null;
  /**
   * The origin's name may resolve to a loopback, private or link-local address. Addresses and
   * `localhost` are called as written in any case, metadata services in none.
   */
  readonly allowPrivateNetwork: boolean;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/**
 * How an exchange failed. `sent` tells the unknown outcomes from the free ones: false only where it is
 * certain that the upstream never got a whole request (refused connection, failed TLS, no address or
 * none that may be called).
 */
export interface UpstreamFailure {
  readonly kind:
    | "refused"
    | "connect_timeout"
    | "reset"
    | "first_byte_timeout"
    | "idle_timeout"
    | "protocol";
  readonly sent: boolean;
  /** For the log; holds no credential. */
  readonly detail: string;
}

/** Called in order: head once, data any number of times, then exactly one of end and failure. */
export interface UpstreamEvents {
  /** `headers` have lower-case names; repeated ones are joined with ", ". */
  readonly onHead: (status: number, headers: Readonly<Record<string, string>>) => void;
  readonly onData: (chunk: Buffer) => void;
  readonly onEnd: () => void;
  readonly onFailure: (failure: UpstreamFailure) => void;
}

export interface UpstreamExchange {
  /** Stops reading from the upstream (back-pressure); its idle time-out stands still meanwhile. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends the exchange at once; no event follows. Idempotent. */
  readonly cancel: () => void;
}

export interface UpstreamClient {
  /** Starts an exchange; never throws: a failure is an event, always after this has returned. */
  readonly send: (request: UpstreamRequest, events: UpstreamEvents) => UpstreamExchange;
  readonly close: () => Promise<void>;
}
