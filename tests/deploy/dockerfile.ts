/** Reads deploy/Dockerfile: its stages and instructions, with the build arguments filled in. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

export interface Instruction {
  readonly keyword: string;
  /** Continued lines joined by one space. */
  readonly text: string;
}

export interface Stage {
  /** The image or stage that it begins from. */
  readonly from: string;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

/** The stages of the Dockerfile, in its order. */
export function stagesOf(dockerfile: string): readonly Stage[] {
  const all = instructionsOf(dockerfile);
  const firstFrom = all.findIndex(({ keyword }) => keyword === "FROM");
  const defaults = new Map(
    all.slice(0, firstFrom).map(({ text }) => text.split("=") as [string, string]),
  );
  const stages: { from: string; name: string | null; instructions: Instruction[] }[] = [];
  for (const instruction of all.slice(firstFrom)) {
    if (instruction.keyword !== "FROM") {
      stages.at(-1)?.instructions.push(instruction);
      continue;
    }
    const fill = (_whole: string, name: string): string => defaults.get(name) ?? "";
    const [from = "", , name = null] = instruction.text.replace(/\$\{(\w+)\}/g, fill).split(/\s+/);
    stages.push({ from, name, instructions: [] });
  }
  return stages;
}

/** The texts of all instructions of one kind, in order. */
export function textsOf(stage: Stage, keyword: string): string[] {
  return stage.instructions.filter((each) => each.keyword === keyword).map(({ text }) => text);
}

/** The arguments of an instruction in its JSON form. */
export function argumentsOf(text: string): string[] {
  return JSON.parse(text.slice(text.indexOf("["))) as string[];
}

/** `ENV` of a stage. */
export function environmentOf(stage: Stage): Record<string, string> {
  const pairs = textsOf(stage, "ENV").flatMap((text) => text.split(/\s+/));
  return Object.fromEntries(pairs.map((pair) => pair.split("=") as [string, string]));
}

/** Whether the build context has `path`, by .dockerignore: its last pattern that matches decides. */
export function isInContext(path: string): boolean {
  const patterns = readFileSync(join(ROOT, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const parts = path.split("/");
  const prefixes = parts.map((_part, index) => parts.slice(0, index + 1).join("/"));
  let isIn = true;
  for (const pattern of patterns) {
    const isException = pattern.startsWith("!");
    const glob = isException ? pattern.slice(1) : pattern;
    if (prefixes.some((prefix) => patternOf(glob).test(prefix))) isIn = isException;
  }
  return isIn;
}

/** Unlike in a shell, a star takes names that begin with a dot, too. */
function patternOf(glob: string): RegExp {
  const literal = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const source = literal.replace(/\*\*\/|\*/g, (star) => (star === "*" ? "[^/]*" : "(?:.*/)?"));
  return new RegExp(`^${source}$`);
}

function instructionsOf(dockerfile: string): Instruction[] {
  const lines = dockerfile.split("\n").filter((line) => !/^\s*(?:#|$)/.test(line));
  const whole = lines.join("\n").replace(/\s*\\\n\s*/g, " ");
  return whole.split("\n").map((line) => {
    const [keyword = "", ...rest] = line.split(" ");
    return { keyword, text: rest.join(" ").trim() };
  });
}
