/** Decoders for what an upstream encodes although it was asked not to. */
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";
import type { Transform } from "node:stream";

/** A decoder for a `content-encoding`; null where there is nothing to decode. */
export function decoderFor(encoding: string | undefined): Transform | null {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    case "zstd":
      return createZstdDecompress();
    default:
      return null;
  }
}

export interface Decoding {
  readonly feed: (chunk: Buffer) => void;
  /** Resolves when all has been decoded; false where the encoding is broken. */
  readonly end: () => Promise<boolean>;
}

/** Decodes piece by piece into `onData`. */
export function decodeInto(decoder: Transform, onData: (bytes: Buffer) => void): Decoding {
  let isBroken = false;
  const ended = new Promise<void>((resolve) => {
    decoder.on("data", onData);
    decoder.on("end", resolve);
    decoder.on("error", () => {
      isBroken = true;
      resolve();
    });
  });
  return {
    feed(chunk: Buffer) {
      if (!isBroken) decoder.write(chunk);
    },
    async end() {
      decoder.end();
      await ended;
      return !isBroken;
    },
  };
}
