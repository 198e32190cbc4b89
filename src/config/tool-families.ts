/** Families of the tools that providers define, and to which of them a dated type belongs. */

/**
 * As `access.server_tools` names them. Source: the tool types of the Messages API that the body scan tells
 * apart, without the date at their end; "mcp" stands for every entry of `mcp_servers`.
 */
export const TOOL_FAMILIES = [
  "web_search",
  "web_fetch",
  "code_execution",
  "computer",
  "mcp",
  "advisor",
  "text_editor",
  "bash",
  "memory",
  "browser",
  "tool_search",
] as const;

const DATE = /_\d{6,8}$/;

/** Types whose family is not the type without its date. */
const SPELLINGS: Readonly<Record<string, string>> = {
  computer_toolset: "computer",
  browser_toolset: "browser",
  mcp_toolset: "mcp",
  tool_search_tool_regex: "tool_search",
  tool_search_tool_bm25: "tool_search",
};

/** "web_search_20260209" → "web_search"; of a type that nobody knows, the type without its date. */
export function toolFamily(type: string): string {
  const bare = type.replace(DATE, "");
  return SPELLINGS[bare] ?? bare;
}

/** Claims that `name` is a family, or a dated type: of one that is new, too. */
export function isToolName(name: string): boolean {
  return DATE.test(name) || TOOL_FAMILIES.some((family) => family === toolFamily(name));
}
