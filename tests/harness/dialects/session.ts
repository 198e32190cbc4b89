/** A coding session for any dialect: each step follows from what the conversation already holds. */
import type { WireUsage } from "../bill.ts";
import { text, toolCalls, withThinking, type MessageAnswer } from "../scripts.ts";
import type { DialectRequest, DialectScript } from "./upstream.ts";

/** The words with which the scripted session, and its subagent, end. */
export const DOOR_SESSION_DONE = "The note is translated and counted.";
export const DOOR_SUBAGENT_DONE = "The subagent has counted two lines.";

const SUBAGENT_PROMPT = "Count the lines of the note in";

/**
 * Writes, reads and edits `note.txt` in `folder`, lets a subagent count its lines, and ends. Each step answers
 * with its own usage of every kind, so that sums cannot agree by luck.
 */
export function doorSession(folder: string): DialectScript {
  return (request) => {
    if (request.tools.length === 0) return text("A scripted session", { input_tokens: 1000 });
    const step = request.toolResults.length;
    const isSubagent = request.texts.some((said) => said.includes(SUBAGENT_PROMPT));
    const answer = isSubagent ? subagentAnswer(folder, request, step) : mainAnswer(folder, step);
    return { ...answer, delivery: { eventDelayMs: 1 } };
  };
}

/** By the results that are there: one of the first call, three after the two parallel ones, and so on. */
function mainAnswer(folder: string, results: number): MessageAnswer {
  const file = `${folder}/note.txt`;
  const usage = counts(results);
  switch (results) {
    case 0: {
      const bash = { command: `printf 'one\\ntwo\\n' > ${file}`, description: "Write a note" };
      return withThinking(toolCalls([["call_main_bash", "Bash", bash]], usage), "A note first.");
    }
    case 1:
      return toolCalls(
        [
          ["call_main_read", "Read", { file_path: file }],
          ["call_main_ls", "Bash", { command: `ls ${folder}`, description: "List the folder" }],
        ],
        usage,
      );
    case 3: {
      const edit = { file_path: file, old_string: "two", new_string: "zwei" };
      return toolCalls([["call_main_edit", "Edit", edit]], usage);
    }
    case 4: {
      const agent = {
        description: "Count lines",
        prompt: `${SUBAGENT_PROMPT} ${file}.`,
        subagent_type: "general-purpose",
      };
      return toolCalls([["call_main_agent", "Agent", agent]], usage);
    }
    default:
      return text(DOOR_SESSION_DONE, usage);
  }
}

function subagentAnswer(folder: string, request: DialectRequest, results: number): MessageAnswer {
  const bash = { command: `wc -l < ${folder}/note.txt`, description: "Count lines" };
  const usage = counts(results + 10);
  if (results === 0) return toolCalls([["call_sub_bash", "Bash", bash]], usage);
  const counted = request.toolResults[0]?.text.trim();
  return text(counted === "2" ? DOOR_SUBAGENT_DONE : `Counted ${counted}?`, usage);
}

/** Below a quarter of what Claude Code sends in bytes, so that counts and bounds stay believable. */
function counts(step: number): Partial<WireUsage> {
  const written = 1201 + 13 * step;
  return {
    input_tokens: 3 + step,
    output_tokens: 101 + 7 * step,
    cache_read_input_tokens: 3701 + 213 * step,
    cache_creation_input_tokens: written,
    cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 },
    output_tokens_details: { thinking_tokens: 11 + step },
  };
}
