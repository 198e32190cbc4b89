/** Reads usage out of an answer of the Messages API while it passes through, whatever its framing. */
import type { Transform } from "node:stream";
import { NOTHING_READ, type AnswerReader, type Reading } from "../wire/answer.ts";
import {
  createStreamUsageReader,
  readErrorEnvelope,
  readJsonUsage,
  isMessage,
  type StreamUsageReader,
} from "../wire/anthropic/usage.ts";
import { decodeInto, decoderFor } from "./decoder.ts";

/** A whole answer larger than this is relayed all the same, but its usage is not looked for. */
const DOCUMENT_BYTES_MAX = 64 * 1024 * 1024;

/** A reader for an answer with this head. */
export function readAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
): AnswerReader {
  const plain = isEventStream(status, headers) ? streamReader() : documentReader();
  const decoder = decoderFor(headers["content-encoding"]);
  return decoder === null ? plain : decoded(plain, decoder);
}

/** Whether an answer with this head comes event by event. */
function isEventStream(status: number, headers: Readonly<Record<string, string>>): boolean {
  return status < 300 && (headers["content-type"] ?? "").includes("text/event-stream");
}

function streamReader(): AnswerReader {
  const reader = createStreamUsageReader();
  const reading = () => streamReading(reader);
  return {
    feed: (chunk) => reader.feed(chunk),
    reading,
    finish: () => Promise.resolve(reading()),
    isWhole: () => reader.closed,
  };
}

function streamReading(reader: StreamUsageReader): Reading {
  const billed = reader.billed();
  const { final, contentBytes } = reader;
  return {
    started: reader.started,
    final,
    billed,
    contentBytes,
    stopReason: reader.stopReason,
    error: reader.errorEvent,
    refusedBeforeOutput: billed !== null && billed.passes.every((pass) => pass.free),
    isAnswer: contentBytes > 0 || reader.stopReason !== null,
  };
}

function documentReader(): AnswerReader {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const reading = (): Reading => {
    const whole = bytes <= DOCUMENT_BYTES_MAX ? Buffer.concat(chunks) : null;
    const billed = whole === null ? null : readJsonUsage(whole);
    return {
      started: billed !== null,
      final: billed !== null,
      billed,
      contentBytes: bytes,
      stopReason: null,
      error: whole === null || billed !== null ? null : readErrorEnvelope(whole),
      refusedBeforeOutput: billed !== null && billed.passes.every((pass) => pass.free),
      isAnswer: billed !== null || whole === null || isMessage(whole),
    };
  };
  return {
    feed(chunk) {
      bytes += chunk.length;
      if (bytes <= DOCUMENT_BYTES_MAX) chunks.push(chunk);
    },
    // Until it is complete a document says nothing, not even that it is an answer.
    reading: () => NOTHING_READ,
    finish: () => Promise.resolve(reading()),
    isWhole: () => true,
  };
}

/** We ask for no encoding; an upstream that encodes all the same is still read. */
function decoded(plain: AnswerReader, decoder: Transform): AnswerReader {
  const decoding = decodeInto(decoder, plain.feed);
  return {
    feed: decoding.feed,
    reading: plain.reading,
    async finish() {
      await decoding.end();
      return plain.finish();
    },
    isWhole: plain.isWhole,
  };
}
