/** What a rule decides: ordered groups of weighted targets, and the order that chance gives them. */
import type { OnUnsupported } from "../../config/routing-config.ts";

export interface RouteTarget {
  readonly provider: string;
  /** Null: the model that was asked for. */
  readonly model: string | null;
  /** Share among the targets of its group. */
  readonly weight: number;
}

export interface Fallbacks {
  /** After a refusal because the input is too long for the model. */
  readonly contextLength: readonly RouteTarget[];
  /** After a refusal by the provider's content policy. */
  readonly contentPolicy: readonly RouteTarget[];
}

export interface Decision {
  /** Id of the rule that took the request; null: none did. */
  readonly rule: string | null;
  /** In order; all are allowed to the key. Without a rule: the key's own providers. */
  readonly groups: readonly (readonly RouteTarget[])[];
  readonly onUnsupported: OnUnsupported;
  readonly fallbacks: Fallbacks;
  /** One sentence without the client's words. */
  readonly why: string;
}

/**
 * The targets in the order in which to try them: group by group, and within one at random by weight.
 *
 * @param random A number from 0 up to, not including, 1; called once for each target but a group's last.
 */
export function orderOf(groups: Decision["groups"], random: () => number): readonly RouteTarget[] {
  if (groups.length === 1 && groups[0]?.length === 1) return groups[0];
  return groups.flatMap((group) => (group.length === 1 ? group : drawn(group, random)));
}

function drawn(group: readonly RouteTarget[], random: () => number): RouteTarget[] {
  const rest = [...group];
  const order: RouteTarget[] = [];
  while (rest.length > 1) order.push(...rest.splice(indexOf(rest, random()), 1));
  return [...order, ...rest];
}

function indexOf(targets: readonly RouteTarget[], share: number): number {
  let left = share * targets.reduce((sum, { weight }) => sum + weight, 0);
  for (const [index, { weight }] of targets.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return targets.length - 1;
}
