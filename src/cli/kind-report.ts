/** Kinds of providers as `tollgate providers` prints them: all in a table, one in detail. */
import type { PrintedKind } from "../control/provider-kinds.ts";
import { counted } from "./numbers.ts";
import { tableLines, type Column } from "./table.ts";

const WIDTH = 100;

type Capabilities = PrintedKind["capabilities"];

function flag(title: string, of: (can: Capabilities) => boolean): Column<PrintedKind> {
  return { title, value: ({ capabilities }) => (of(capabilities) ? "yes" : "—") };
}

const COLUMNS: readonly Column<PrintedKind>[] = [
  { title: "KIND", value: ({ kind }) => kind },
  { title: "PROVIDER", cut: true, value: ({ title }) => title },
  { title: "DOORS", cut: true, value: ({ doors }) => doors.map(({ id }) => id).join(", ") },
  flag("TOOLS", ({ tools }) => tools),
  flag("THINK", ({ thinking }) => thinking),
  { title: "CACHE", value: ({ capabilities }) => capabilities.caching },
  flag("IMAGES", ({ vision }) => vision),
  flag("DOCS", ({ documents }) => documents),
  flag("JSON", ({ structured_output: json }) => json),
];

/** One line a kind, head first, at most a hundred columns wide. */
export function kindTable(kinds: readonly PrintedKind[]): string[] {
  return tableLines(kinds, COLUMNS, WIDTH);
}

/** Everything about one kind that somebody who configures it wants to know. */
export function kindDetails(kind: PrintedKind): string[] {
  const { capabilities: can, billing, settings } = kind;
  const optional = settings.known.filter((name) => !settings.needed.includes(name));
  const facts: readonly (readonly [string, string])[] = [
    ["base URL", kind.base_url ?? "the file names it: base_url"],
    ["settings", settings.needed.join(", ") || "none"],
    ["may set", optional.join(", ")],
    ["signs in by", kind.authentication.join("; ")],
    ["keys", kind.keys_needed ? "needed" : "not needed"],
    ["can", capabilityWords(can)],
    ["caching", can.caching],
    ["an image", `at most ${counted(can.image_tokens_max)} tokens`],
    ["hang-ups", billing.bills_to_the_end ? "are read to the end" : "end the charge"],
    ["quirks", kind.quirks.map(({ meaning }) => meaning).join("; ")],
    ["prices", kind.price_source ?? "none are listed"],
    ["checked", `${kind.checked_on}: ${kind.source}`],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    `${kind.kind}: ${kind.title}`,
    ...facts
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    "",
    ...tableLines(
      kind.doors,
      [
        { title: "DOOR", value: ({ id }) => id },
        { title: "FORMAT", value: ({ format }) => format },
        { title: "MODELS", cut: true, value: ({ models }) => globWords(models) },
        { title: "PATH", cut: true, value: ({ path }) => path },
      ],
      WIDTH,
    ),
    ...modelLines(kind),
  ];
}

function globWords(models: readonly string[] | null): string {
  if (models === null) return "all";
  return models.length === 0 ? "where the file names the door" : models.join(" ");
}

function capabilityWords(can: Capabilities): string {
  const words: readonly (readonly [string, boolean])[] = [
    ["tools", can.tools],
    ["thinking", can.thinking],
    ["images", can.vision],
    ["documents", can.documents],
    ["structured output", can.structured_output],
  ];
  return words.flatMap(([word, has]) => (has ? [word] : [])).join(", ");
}

function modelLines({ models }: PrintedKind): string[] {
  if (models.length === 0) return [];
  const columns: readonly Column<PrintedKind["models"][number]>[] = [
    { title: "MODEL", cut: true, value: ({ id }) => id },
    { title: "ALSO ASKED FOR AS", cut: true, value: ({ aliases }) => aliases.join(", ") },
  ];
  return ["", ...tableLines(models, columns, WIDTH)];
}
