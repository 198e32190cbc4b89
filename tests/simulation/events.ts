/** Virtual time: events in their order, and processes that sleep and wait in it. No real clock. */

/** A process hands over what is to be called with the function that resumes it. */
type Pause = (resume: () => void) => void;

/** Something that goes on in virtual time, as a generator. */
export type Process<Result = void> = Generator<Pause, Result, void>;

interface Event {
  readonly atMs: number;
  /** Events of one moment happen in the order in which they were asked for. */
  readonly sequence: number;
  readonly action: () => void;
}

export class EventLoop {
  readonly #heap: Event[] = [];
  #sequence = 0;
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  /** Virtual Unix milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Calls `action` at a moment; one that has passed is now. */
  at(atMs: number, action: () => void): void {
    const event = {
      atMs: Math.max(Math.ceil(atMs), this.#nowMs),
      sequence: this.#sequence++,
      action,
    };
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
  }

  /** Lets everything happen until nothing is left, or until a moment. */
  run(untilMs = Infinity): void {
    for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
      if (next.atMs >= untilMs) return;
      this.#removeFirst();
      this.#nowMs = next.atMs;
      next.action();
    }
  }

  /** Starts a process at once. */
  start(process: Process): void {
    const step = (): void => {
      const { done, value } = process.next();
      if (done !== true) value(step);
    };
    step();
  }

  #rise(from: number): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isEarlier(heap[at], heap[parent])) return;
      swap(heap, at, parent);
      at = parent;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const child = isEarlier(heap[left + 1], heap[left]) ? left + 1 : left;
      if (!isEarlier(heap[child], heap[at])) return;
      swap(heap, at, child);
      at = child;
    }
  }
}

function isEarlier(one: Event | undefined, other: Event | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.sequence < other.sequence);
}

function swap(heap: Event[], a: number, b: number): void {
  const [first, second] = [heap[a], heap[b]];
  if (first === undefined || second === undefined) return;
  heap[a] = second;
  heap[b] = first;
}

/** Pauses a process for so long. */
export function* sleep(loop: EventLoop, ms: number): Process {
  yield (resume) => loop.at(loop.nowMs + ms, resume);
}
