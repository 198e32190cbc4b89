/** What happens to an upstream's answer on its way: it passes unchanged, or becomes a Messages answer. */
import {
  NOTHING_READ,
  type AnswerTranslator,
  type Reading,
  type UpstreamFault,
} from "../wire/answer.ts";
import { decodeInto, decoderFor } from "./decoder.ts";
import type { Exchange } from "./exchange.ts";
import { readAnswer } from "./reading.ts";
import type { Target } from "./candidates.ts";

/** An error page is looked at only so far. */
const FAULT_BYTES_MAX = 1024 * 1024;
const FIRST_REDIRECT = 300;

export interface AnswerPath {
  /** Takes a piece of the upstream's answer; what is for the client goes to `out`. */
  readonly feed: (chunk: Buffer) => void;
  readonly reading: () => Reading;
  /** The upstream's answer has ended; `complete` as far as its framing tells. */
  readonly finish: (complete: boolean) => Promise<Reading>;
  /** After `finish`: the dialect's own end has passed. */
  readonly isWhole: () => boolean;
  /** What is read of the answer lags behind what has come: it is encoded. */
  readonly isDelayed: boolean;
}

type Out = (bytes: Buffer) => void;

interface UpstreamHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** How the answer of an attempt goes on, by its door and its head. */
export function pathOf(
  of: {
    readonly exchange: Exchange;
    readonly target: Target;
    readonly streamed: boolean;
    /** As in `DoorBody`. */
    readonly toolNames: ReadonlyMap<string, string> | null;
    readonly hourCache: boolean;
  },
  head: UpstreamHead,
  out: Out,
): AnswerPath {
  const { exchange, target, streamed, toolNames, hourCache } = of;
  const { codec, quirks } = target;
  if (codec.passes) return passingPath(head, out);
  const encoding = head.headers["content-encoding"];
  if (head.status >= FIRST_REDIRECT)
    return faultPath((body) => codec.fault(head.status, body), encoding);
  const model = exchange.subject?.requestedModel ?? target.model;
  const id = `msg_${exchange.id}`;
  const translator = codec.answer({ streamed, id, model, quirks, toolNames, hourCache });
  return translator === null ? passingPath(head, out) : translatingPath(translator, encoding, out);
}

/** Bytes pass; usage is read beside them. */
function passingPath(head: UpstreamHead, out: Out): AnswerPath {
  const reader = readAnswer(head.status, head.headers);
  return {
    feed(chunk) {
      out(chunk);
      reader.feed(chunk);
    },
    reading: reader.reading,
    finish: () => reader.finish(),
    isWhole: reader.isWhole,
    isDelayed: decoderFor(head.headers["content-encoding"]) !== null,
  };
}

/** The answer of another dialect, translated piece by piece. */
function translatingPath(
  translator: AnswerTranslator,
  encoding: string | undefined,
  out: Out,
): AnswerPath {
  const give = (bytes: Buffer | null) => {
    if (bytes !== null) out(bytes);
  };
  const decoder = decoderFor(encoding);
  const decoding =
    decoder === null ? null : decodeInto(decoder, (bytes) => give(translator.feed(bytes)));
  return {
    feed: decoding === null ? (chunk) => give(translator.feed(chunk)) : decoding.feed,
    reading: () => translator.reading(),
    async finish(complete) {
      const isSound = decoding === null || (await decoding.end());
      if (complete && isSound) give(translator.end());
      return translator.reading();
    },
    isWhole: () => translator.isWhole(),
    isDelayed: false,
  };
}

/** An error answer of another dialect: collected, told in the words of the Messages API. */
function faultPath(
  fault: (body: Buffer) => UpstreamFault,
  encoding: string | undefined,
): AnswerPath {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const keep = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= FAULT_BYTES_MAX) chunks.push(chunk);
  };
  const decoder = decoderFor(encoding);
  const decoding = decoder === null ? null : decodeInto(decoder, keep);
  return {
    feed: decoding === null ? keep : decoding.feed,
    reading: () => NOTHING_READ,
    async finish() {
      await decoding?.end();
      return { ...NOTHING_READ, contentBytes: bytes, error: fault(Buffer.concat(chunks)) };
    },
    isWhole: () => true,
    isDelayed: true,
  };
}
