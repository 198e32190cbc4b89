/** AWS's shared files: sections of names and values, a profile put together of both files. */
import { homeOf, optionalFile, variable } from "./machine.ts";
import type { Machine } from "./machine.ts";

/** Names in lower case, as the files write them: "aws_access_key_id". */
export type Profile = ReadonlyMap<string, string>;
export type Profiles = ReadonlyMap<string, Profile>;

/**
 * All profiles of the credentials file and the config file (AWS_SHARED_CREDENTIALS_FILE and
 * AWS_CONFIG_FILE, else `~/.aws/`). Where both say something, the credentials file counts. A file that
 * is not there has none.
 */
export async function readProfiles(machine: Machine): Promise<Profiles> {
  const folder = `${homeOf(machine)}/.aws`;
  const [credentials, config] = await Promise.all([
    optionalFile(
      machine,
      variable(machine, "AWS_SHARED_CREDENTIALS_FILE") ?? `${folder}/credentials`,
    ),
    optionalFile(machine, variable(machine, "AWS_CONFIG_FILE") ?? `${folder}/config`),
  ]);
  const profiles = new Map<string, Map<string, string>>();
  const add = (name: string, fields: Profile): void => {
    const known = profiles.get(name) ?? new Map<string, string>();
    for (const [field, value] of fields) known.set(field, value);
    profiles.set(name, known);
  };
  for (const [section, fields] of parseSections(config ?? "")) {
    const name = section === "default" ? section : /^profile\s+(.+)$/.exec(section)?.[1];
    if (name !== undefined) add(name.replace(/^(["'])(.*)\1$/, "$2"), fields);
  }
  for (const [name, fields] of parseSections(credentials ?? "")) add(name, fields);
  return profiles;
}

/**
 * `[section]` lines, `name = value` lines, `#` and `;` comments; indented lines belong to the value
 * above them and are passed over, as is everything before the first section.
 */
export function parseSections(text: string): Profiles {
  const sections = new Map<string, Map<string, string>>();
  let current: Map<string, string> | null = null;
  for (const line of text.split(/\r?\n/)) {
    const plain = line.replace(/(^|\s)[#;].*$/, "");
    const section = /^\[([^\]]+)\]\s*$/.exec(plain)?.[1]?.trim();
    if (section !== undefined) {
      current = sections.get(section) ?? new Map<string, string>();
      sections.set(section, current);
      continue;
    }
    const [, name, value] = /^([^\s=][^=]*)=(.*)$/.exec(plain) ?? [];
    if (name !== undefined && value !== undefined)
      current?.set(name.trim().toLowerCase(), value.trim());
  }
  return sections;
}
