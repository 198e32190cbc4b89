/** Checks every line of every node's journal from the files alone, and names all that is wrong. */
import { headPath, readHead } from "./head.ts";
import type { Head } from "./head.ts";
import { journalDirectory, journalRoot, listNodes, listSegments, segmentPath } from "./layout.ts";
import { checkLine, GENESIS_HASH, hashLine, LineFault } from "./line.ts";
import type { WrittenRecord } from "./record.ts";
import { scanLines } from "./scan.ts";

export interface Problem {
  readonly file: string;
  /** From 1; 0 where it is about the file as a whole. */
  readonly line: number;
  /** Of the line's first byte. */
  readonly offset: number;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

export interface NodeReport {
  readonly node: string;
  readonly segments: number;
  readonly lines: number;
  /** 0 where there is no line. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly lastHash: string;
  readonly head: Head | null;
  /** The first 100. */
  readonly problems: readonly Problem[];
  /** All, those left off included. */
  readonly problemCount: number;
  /** What is worth knowing and not wrong: a torn line behind the head. */
  readonly notes: readonly string[];
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly dataDir: string;
  readonly nodes: readonly NodeReport[];
  /** What is wrong with the directory itself; null where nothing is. */
  readonly fault: string | null;
}

const PROBLEMS_MAX = 100;

/** Checks numbering, chain, format, JSON, head and retention of all nodes in `dataDir`. Changes nothing. */
export function verifyDirectory(dataDir: string): VerifyReport {
  const nodes = listNodes(dataDir).map((node) => verifyNode(dataDir, node));
  const fault = nodes.length > 0 ? null : `${journalRoot(dataDir)} holds no journal`;
  const ok = fault === null && nodes.every((node) => node.problemCount === 0);
  return { ok, dataDir, nodes, fault };
}

/** What has been seen so far of one node. */
interface Progress {
  readonly node: string;
  readonly directory: string;
  /** The head as it was before the first line was read: a live writer only adds behind it. */
  readonly head: Head | null;
  /** The line before; null: none yet, or unknown after a fault. */
  last: { readonly seq: number; readonly hash: string } | null;
  first: { readonly seq: number; readonly prev: string } | null;
  lines: number;
  latestTime: string | null;
  /** What the journal says of the line that the head names. */
  atHead: { readonly hash: string; readonly segment: number; readonly time: string | null } | null;
  /** "seq prev" of each first kept line that a `retired` record names. */
  readonly retired: Set<string>;
  readonly problems: Problem[];
  problemCount: number;
  readonly notes: string[];
}

function verifyNode(dataDir: string, node: string): NodeReport {
  const directory = journalDirectory(dataDir, node);
  const headFile = readHead(directory);
  const progress: Progress = {
    node,
    directory,
    head: headFile.state === "read" ? headFile.head : null,
    last: null,
    first: null,
    lines: 0,
    latestTime: null,
    atHead: null,
    retired: new Set(),
    problems: [],
    problemCount: 0,
    notes: [],
  };
  const segments = listSegments(directory);
  for (const [index, segment] of segments.entries()) {
    checkSequence(progress, segments[index - 1], segment);
    verifySegment(progress, segment, segment === segments.at(-1) ? "last" : "earlier");
  }
  checkFirst(progress, segments[0] ?? 1);
  // The first start makes the head after the first segment: before any line there is nothing to vouch for.
  const isUnborn = headFile.state !== "damaged" && progress.lines === 0 && segments.length > 0;
  if (headFile.state === "read") checkHead(progress, headFile.head);
  else if (!isUnborn)
    reportHead(
      progress,
      "the head cannot be read",
      "a head",
      headFile.state === "damaged" ? headFile.reason : "no file",
    );
  return reportOf(progress, segments.length);
}

function reportOf(progress: Progress, segments: number): NodeReport {
  const { node, lines, head, problems, problemCount, notes, first, last } = progress;
  const ends = {
    firstSeq: first?.seq ?? 0,
    lastSeq: last?.seq ?? 0,
    lastHash: last?.hash ?? GENESIS_HASH,
  };
  return { node, segments, lines, ...ends, head, problems, problemCount, notes };
}

function report(progress: Progress, problem: Problem): void {
  progress.problemCount++;
  if (progress.problems.length < PROBLEMS_MAX) progress.problems.push(problem);
}

function checkSequence(progress: Progress, before: number | undefined, segment: number): void {
  if (before === undefined || before + 1 === segment) return;
  const place = { file: segmentPath(progress.directory, before + 1), line: 0, offset: 0 };
  report(progress, { ...place, what: "a segment is missing", expected: "a file", found: "none" });
}

function verifySegment(progress: Progress, segment: number, place: "last" | "earlier"): void {
  const file = segmentPath(progress.directory, segment);
  let line = 0;
  const end = scanLines(file, 0, (bytes, offset) => {
    line++;
    const checked = checkLine(bytes, {
      seq: progress.last === null ? null : progress.last.seq + 1,
      prev: progress.last?.hash ?? null,
      place: line === 1 ? "first" : "later",
    });
    if (checked instanceof LineFault) {
      const { what, expected, found } = checked;
      report(progress, { file, line, offset, what, expected, found });
    }
    note(progress, { bytes, segment }, checked instanceof LineFault ? checked.record : checked);
    return "next";
  });
  if (end.restBytes > 0) verifyRest(progress, { file, line: line + 1, ...end }, place);
}

/** After a line that says nothing, the next one is believed as to its number, and so only one is reported. */
function note(
  progress: Progress,
  line: { readonly bytes: Buffer; readonly segment: number },
  record: WrittenRecord | null,
): void {
  progress.lines++;
  const hash = hashLine(line.bytes);
  const seq = record?.seq ?? (progress.last?.seq ?? 0) + 1;
  progress.last = { seq, hash };
  if (record === null) return;
  progress.first ??= { seq, prev: record.prev };
  if (progress.latestTime === null || record.time > progress.latestTime)
    progress.latestTime = record.time;
  if (seq === progress.head?.seq) {
    progress.atHead = { hash, segment: line.segment, time: progress.latestTime };
  }
  if (record.type === "retired") {
    progress.retired.add(`${record.first_kept_seq} ${record.first_kept_prev}`);
  }
}

function verifyRest(
  progress: Progress,
  rest: {
    readonly file: string;
    readonly line: number;
    readonly offset: number;
    readonly restBytes: number;
  },
  place: "last" | "earlier",
): void {
  const { file, line, offset, restBytes } = rest;
  const found = `${restBytes} bytes without a newline`;
  if (place === "earlier") {
    report(progress, {
      file,
      line,
      offset,
      what: "a torn line inside the journal",
      expected: "a newline",
      found,
    });
    return;
  }
  progress.notes.push(
    `${file}, line ${line}, byte ${offset}: torn line (${found}); the next start cuts it off`,
  );
}

function checkFirst(progress: Progress, segment: number): void {
  const { first } = progress;
  if (first === null || (first.seq === 1 && first.prev === GENESIS_HASH)) return;
  if (progress.retired.has(`${first.seq} ${first.prev}`)) return;
  report(progress, {
    file: segmentPath(progress.directory, segment),
    line: 1,
    offset: 0,
    what: "the first line is neither seq 1 nor named by a retired record",
    expected: `seq 1 with prev ${GENESIS_HASH}`,
    found: `seq ${first.seq} with prev ${first.prev}`,
  });
}

function checkHead(progress: Progress, head: Head): void {
  const lastSeq = progress.last?.seq ?? 0;
  const { atHead } = progress;
  if (head.seq > lastSeq) {
    reportHead(progress, "the journal ends before its head", `seq ${head.seq}`, `seq ${lastSeq}`);
  } else if (head.seq === 0) {
    if (head.hash !== GENESIS_HASH)
      reportHead(progress, "the head names no line but has a hash", GENESIS_HASH, head.hash);
  } else if (atHead === null) {
    reportHead(progress, "the line that the head names is not there", `seq ${head.seq}`, "none");
  } else if (atHead.hash !== head.hash) {
    reportHead(
      progress,
      `seq ${head.seq} is not the line that the head names`,
      head.hash,
      atHead.hash,
    );
  } else if (atHead.segment !== head.segment || !isTimeOf(progress, head.time)) {
    const found = `segment ${atHead.segment}, time ${atHead.time}`;
    reportHead(
      progress,
      "the head's line has another place or time",
      `segment ${head.segment}, time ${head.time}`,
      found,
    );
  }
}

/** The head's time is the latest of all lines, and that line may be among those that retention removed. */
function isTimeOf(progress: Progress, time: string | null): boolean {
  const kept = progress.atHead?.time ?? null;
  if (time === kept) return true;
  return progress.first?.seq !== 1 && time !== null && kept !== null && time > kept;
}

function reportHead(progress: Progress, what: string, expected: string, found: string): void {
  report(progress, {
    file: headPath(progress.directory),
    line: 0,
    offset: 0,
    what,
    expected,
    found,
  });
}
