/** What the control API can change on a node: entities, keys and charges. */
import type { ControlPorts } from "../control/ports.ts";
import { createCorrections } from "./corrections.ts";
import { createEntityAdministration } from "./entity-administration.ts";
import { createKeyAdministration, type KeyAdministrationOptions } from "./key-administration.ts";
import type { SelfCheck } from "./self-check.ts";

interface AdministrationOptions extends KeyAdministrationOptions {
  readonly selfCheck: Pick<SelfCheck, "correcting">;
}

/** Every change is journalled with its actor before it is in force. */
export function createAdministration(
  options: AdministrationOptions,
): Pick<ControlPorts, "keys" | "entities" | "correct" | "doneCalls"> {
  const { node, nowMs } = options;
  const correct = createCorrections(options);
  return {
    keys: createKeyAdministration(options),
    entities: createEntityAdministration(options),
    correct: (order, by) => options.selfCheck.correcting(() => correct(order, by)),
    doneCalls: { find: (key) => node.state.repeats.find(key, nowMs()) },
  };
}
