/** One number for each state: equal for equal states, and by a chance too small to matter for others. */
import { hasSynced, type Amounts, type Authority, type Books, type Node } from "./model.ts";
import { mayUseDisk, type System, type Troubles } from "./system.ts";

const ABSENT = -1;
const PHASES = ["down", "starting", "live"] as const;
const SEED_HIGH = 0xdeadbeef;
const SEED_LOW = 0x41c6ce57;

/** Mixes small integers, in order, into 53 bits: two of a million states are alike once in 18,000 runs. */
class Mixer {
  #high = SEED_HIGH;
  #low = SEED_LOW;

  add(number: number): void {
    this.#high = Math.imul(this.#high ^ (number + 1), 2654435761);
    this.#low = Math.imul(this.#low ^ (number + 7), 1597334677);
    this.#high ^= this.#high >>> 15;
    this.#low ^= this.#low >>> 13;
  }

  addAll(numbers: readonly number[]): void {
    for (let index = 0; index < numbers.length; index++) this.add(numbers[index] ?? ABSENT);
  }

  /** Above zero. */
  end(): number {
    const high = Math.imul(this.#high ^ (this.#high >>> 16), 2246822507) ^ this.#low;
    const low = Math.imul(this.#low ^ (this.#low >>> 13), 3266489909) ^ high;
    return (low >>> 0) * 2 ** 21 + (high >>> 11) + 1;
  }
}

/** The hash of everything that decides what can happen next. */
export function hashOf(system: System): number {
  const mixer = new Mixer();
  addTroubles(mixer, system.troublesLeft);
  mixer.add(system.troubles);
  mixer.addAll(system.stepsLeft);
  for (const amounts of system.spent) mixer.addAll(amounts);
  for (const unwritten of system.unwritten) mixer.add(unwritten ? 1 : 0);
  addAuthority(mixer, system.authority);
  for (const node of system.nodes) {
    addNode(mixer, node);
    // What is on disk decides nothing where no disk is read any more.
    if (mayUseDisk(system) && !hasSynced(node)) addBooks(mixer, node.synced);
    else mixer.add(ABSENT);
  }
  addNetwork(mixer, system.network);
  return mixer.end();
}

function addTroubles(mixer: Mixer, troubles: Troubles): void {
  const { kill, powerLoss, lose, double, lowerCap, recover } = troubles;
  mixer.addAll([kill, powerLoss, lose, double, lowerCap, recover]);
}

function addAuthority(mixer: Mixer, { caps, leases, clients }: Authority): void {
  mixer.addAll(caps);
  for (const amounts of leases) mixer.addAll(amounts);
  for (const { epoch, start, sequence, answer } of clients) {
    mixer.add(epoch);
    mixer.add(start ?? ABSENT);
    mixer.add(sequence);
    addMaybe(mixer, answer?.given ?? null);
  }
}

function addNode(mixer: Mixer, node: Node): void {
  const { pending } = node;
  mixer.add(PHASES.indexOf(node.phase));
  mixer.add(node.start);
  mixer.add(node.epoch);
  mixer.add(node.sequence);
  mixer.add(node.powerLost ? 1 : 0);
  addMaybe(mixer, pending?.kind === "return" ? pending.amounts : null);
  const asks = pending?.kind === "lease" ? pending.asks : [];
  mixer.add(asks.length);
  for (const { window, least, most } of asks) mixer.addAll([window, least, most]);
  addBooks(mixer, node.books);
}

function addBooks(mixer: Mixer, { settled, held, forfeited, balance }: Books): void {
  mixer.addAll(settled);
  mixer.addAll(held);
  mixer.addAll(forfeited);
  mixer.addAll(balance);
}

function addMaybe(mixer: Mixer, amounts: Amounts | null): void {
  if (amounts === null) mixer.add(ABSENT);
  else {
    mixer.add(amounts.length);
    mixer.addAll(amounts);
  }
}

const keyHashes = new Map<string, number>();

/** Messages have no order, so their hashes are added up. */
function addNetwork(mixer: Mixer, network: System["network"]): void {
  let [high, low] = [0, 0];
  for (const key of network.keys()) {
    const hash = keyHashes.get(key) ?? hashOfKey(key);
    high = (high + Math.floor(hash / 2 ** 21)) | 0;
    low = (low + (hash % 2 ** 31)) | 0;
  }
  mixer.add(network.size);
  mixer.add(high);
  mixer.add(low);
}

function hashOfKey(key: string): number {
  const mixer = new Mixer();
  for (let index = 0; index < key.length; index++) mixer.add(key.charCodeAt(index));
  const hash = mixer.end();
  keyHashes.set(key, hash);
  return hash;
}
