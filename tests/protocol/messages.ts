/** What is on its way between the authority and its nodes: told apart by key, and named for a reader. */
import type { ToAuthority, ToNode } from "./model.ts";

export type Message = ToAuthority | ToNode;

/** By key: messages on their way, in no order; each takes as long as it takes, as in a partition. */
export type Network = ReadonlyMap<string, Message>;

const NODE_NAMES = ["A", "B", "C"] as const;

export function withMessages(network: Network, sent: readonly Message[]): Network {
  if (sent.length === 0) return network;
  const more = new Map(network);
  for (const message of sent) more.set(keyOf(message), message);
  return more;
}

export function withoutMessage(network: Network, key: string): Network {
  const rest = new Map(network);
  rest.delete(key);
  return rest;
}

/** True where a message or its answer may still arrive: then to say it again is to double it. */
export function isUnderWay(network: Network, spoken: ToAuthority): boolean {
  if (network.has(keyOf(spoken))) return true;
  for (const message of network.values())
    if (message.node === spoken.node && isAnswered(spoken, message)) return true;
  return false;
}

function isAnswered(spoken: ToAuthority, message: Message): boolean {
  switch (message.kind) {
    case "welcome":
      return spoken.kind === "hello" && message.start === spoken.start;
    case "answer":
      return (
        spoken.kind === "step" &&
        message.epoch === spoken.epoch &&
        message.sequence === spoken.sequence
      );
    case "fenced":
      return spoken.kind === "step" && message.epoch === spoken.epoch;
    case "hello":
    case "step":
      return false;
  }
}

/** Equal for equal messages. */
function keyOf(message: Message): string {
  switch (message.kind) {
    case "hello":
      return `h${message.node},${message.start}`;
    case "step": {
      const { node, epoch, sequence, step } = message;
      const what =
        step.kind === "lease"
          ? step.asks.map(({ window, most }) => `${window}:${most}`).join("+")
          : `-${step.amounts.join("+")}`;
      return `s${node},${epoch},${sequence},${what}`;
    }
    case "welcome":
      return `w${message.node},${message.start},${message.epoch},${message.leases.join("+")}`;
    case "answer":
      return `a${message.node},${message.epoch},${message.sequence},${message.given?.join("+") ?? "no"}`;
    case "fenced":
      return `f${message.node},${message.epoch}`;
  }
}

export function nameOfMessage(message: Message): string {
  const name = nameOfNode(message.node);
  switch (message.kind) {
    case "hello":
      return `${name}'s hello of start ${message.start}`;
    case "step": {
      const { epoch, sequence, step } = message;
      return `${name}'s ${step.kind} (epoch ${epoch}, step ${sequence})`;
    }
    case "welcome":
      return `the welcome to ${name} (start ${message.start}, epoch ${message.epoch}, leased ${message.leases.join("+")})`;
    case "answer": {
      const given = message.given === null ? "refused" : message.given.join("+");
      return `the answer to ${name} (epoch ${message.epoch}, step ${message.sequence}: ${given})`;
    }
    case "fenced":
      return `the word to ${name} that epoch ${message.epoch} is over`;
  }
}

export function nameOfNode(index: number): string {
  return NODE_NAMES[index] ?? String(index);
}
