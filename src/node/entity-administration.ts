/** The administration of customers, teams, owners and providers. */
import type { ChangeProblem, EntityAdministration } from "../control/ports.ts";
import { EntityDesk, problemOf, type DeskOptions } from "./entity-desk.ts";

/** Every change is an `admin_change` record with its actor, what was before, and what is after. */
export function createEntityAdministration(options: DeskOptions): EntityAdministration {
  const desk = new EntityDesk(options);
  return {
    fieldsOf: (kind, id) => desk.fieldsOf(kind, id),
    create: async (kind, fields, by): Promise<ChangeProblem | null> => {
      const [problem] = await desk.create(kind, [{ fields }], by);
      return problem === undefined ? null : problemOf(problem);
    },
    update: ({ kind, id, patch }, actor) => desk.update(kind, { id, patch }, actor),
    remove: (kind, id, actor) => desk.remove(kind, id, actor),
  };
}
