/** A coding session as a script: tool-use turns of the main loop, and one subagent with its own. */
import type { WireUsage } from "./bill.ts";
import { text, toolCalls, withThinking, type MessageAnswer, type Script } from "./scripts.ts";
import type { ReceivedRequest } from "./upstream-request.ts";

/** The words with which the scripted session ends. */
export const SESSION_DONE = "All four steps are done.";
export const SUBAGENT_DONE = "The subagent has counted the lines.";

/**
 * Writes and reads `note.txt` in `folder` with Bash, Read, Write and Edit, lets a subagent count its
 * lines, and ends. Each step answers with its own usage of every kind, so that sums cannot agree by luck.
 */
export function codingSession(folder: string): Script {
  let mainStep = 0;
  const agentSteps = new Map<string, number>();
  return (request) => {
    const agent = agentOf(request);
    if (agent !== null) {
      const step = agentSteps.get(agent) ?? 0;
      agentSteps.set(agent, step + 1);
      return paced(subagentAnswer(folder, step));
    }
    if (request.json().tools === undefined)
      return text("A scripted session", { input_tokens: 1000 });
    return paced(mainAnswer(folder, mainStep++));
  };
}

/** The subagent that a request of Claude Code comes from; null for its main loop. */
export function agentOf(request: ReceivedRequest): string | null {
  const agent = request.headers["x-claude-code-agent-id"];
  return typeof agent === "string" ? agent : null;
}

function mainAnswer(folder: string, step: number): MessageAnswer {
  const file = `${folder}/note.txt`;
  switch (step) {
    case 0: {
      const bash = {
        command: `printf 'one\\ntwo\\n' > ${file}; wc -l ${file}`,
        description: "Write a note",
      };
      const answer = toolCalls([["toolu_main_bash", "Bash", bash]], counts(step, { thinking: 40 }));
      return withThinking(answer, "A note first; then I shall read it back.");
    }
    case 1:
      return toolCalls(
        [
          ["toolu_main_read", "Read", { file_path: file }],
          ["toolu_main_ls", "Bash", { command: `ls ${folder}`, description: "List the folder" }],
        ],
        counts(step),
      );
    case 2: {
      const edit = { file_path: file, old_string: "two", new_string: "zwei" };
      return toolCalls([["toolu_main_edit", "Edit", edit]], counts(step));
    }
    case 3: {
      const write = { file_path: `${folder}/other.txt`, content: "three\n" };
      return toolCalls([["toolu_main_write", "Write", write]], counts(step));
    }
    case 4: {
      const agent = {
        description: "Count lines",
        prompt: `Count the lines of ${file}.`,
        subagent_type: "general-purpose",
      };
      return toolCalls([["toolu_main_agent", "Agent", agent]], counts(step));
    }
    default:
      return text(SESSION_DONE, counts(step));
  }
}

function subagentAnswer(folder: string, step: number): MessageAnswer {
  const bash = { command: `wc -l < ${folder}/note.txt`, description: "Count lines" };
  if (step === 0)
    return toolCalls([["toolu_sub_bash", "Bash", bash]], counts(step, { read: 3701 }));
  return text(SUBAGENT_DONE, counts(step, { read: 3701 }));
}

/** Below a quarter of what Claude Code sends in bytes, so that counts and bounds stay believable. */
function counts(step: number, { thinking = 0, read = 8701 } = {}): Partial<WireUsage> {
  const write5m = 1201 + 13 * step;
  const write1h = step % 3 === 0 ? 77 : 0;
  return {
    input_tokens: 3 + step,
    output_tokens: 61 + 7 * step + thinking,
    cache_read_input_tokens: read + 213 * step,
    cache_creation_input_tokens: write5m + write1h,
    cache_creation: { ephemeral_5m_input_tokens: write5m, ephemeral_1h_input_tokens: write1h },
    ...(thinking > 0 ? { output_tokens_details: { thinking_tokens: thinking } } : {}),
  };
}

function paced(answer: MessageAnswer): MessageAnswer {
  return { ...answer, delivery: { eventDelayMs: 1, pingEvery: 5 } };
}
