/** The log on standard error: one line an event, JSON for machines or text for people, never a secret. */
import { destination, pino, stdTimeFunctions, type DestinationStream } from "pino";
import { redact } from "./redact.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "json" | "text";
type Fields = Readonly<Record<string, unknown>>;

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Where lines go; standard error where it is missing. */
  readonly stream?: DestinationStream;
}

export interface TollgateLog {
  readonly debug: (message: string, fields?: Fields) => void;
  readonly info: (message: string, fields?: Fields) => void;
  readonly warn: (message: string, fields?: Fields) => void;
  readonly error: (message: string, fields?: Fields) => void;
  /** From now on lines below `level` are left out, and lines have this format. */
  readonly configure: (options: Pick<LogOptions, "level" | "format">) => void;
}

const STDERR = 2;
/** What a reader that has stopped reading may cost in memory; what comes after is dropped. */
const BUFFERED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Makes a log. What looks like a key anywhere in a line is hidden: callers give no secrets, this is
 * for the day on which one does.
 */
export function createLog(options: LogOptions): TollgateLog {
  const stream =
    options.stream ??
    destination({ fd: STDERR, sync: false, minLength: 0, maxLength: BUFFERED_BYTES_MAX });
  let { format } = options;
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: "message",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      hooks: {
        streamWrite: (line) => redact(format === "json" ? line : textLine(line)),
      },
    },
    stream,
  );
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    configure: (changed) => {
      logger.level = changed.level;
      ({ format } = changed);
    },
  };
}

// What would start a new line in a terminal, or command it: control characters, U+2028 and U+2029.
const UNPRINTABLE = /[\p{Cc}\u2028\u2029]/gu;

/** `2026-11-03T10:00:00.000Z warn  the message request=req_1 status=503` */
function textLine(json: string): string {
  const { time, level, message, ...fields } = JSON.parse(json) as Fields;
  const head = `${String(time)} ${String(level).padEnd(5)} ${String(message)}`;
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${valueText(value)}`);
  return `${(head + pairs.join("")).replace(UNPRINTABLE, " ")}\n`;
}

function valueText(value: unknown): string {
  return typeof value === "string" && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}
