/** Makes the table's rows out of what was measured. */
import type { Limits } from "./cases.ts";
import { PARSE_RATIO_MAX, type InProcess } from "./in-process.ts";
import type { Latency } from "./load.ts";
import type { OpenLoopResult } from "./open-loop-load.ts";
import type { Proxy } from "./proxies.ts";
import type { Row } from "./table.ts";
import type { CaseResult } from "./whole-process.ts";

type Name = Proxy["name"];

const BASELINES = ["nginx", "Portkey"] as const;

/** The whole of a request, then its steps. */
export function inProcessRows(results: readonly InProcess[]): Row[] {
  return results.flatMap((result) => [
    {
      measure: `in process, ${result.size}`,
      unit: "µs CPU/request",
      value: result.wholeUs,
      baseline: { name: "JSON.parse", value: result.parseUs },
      ratio: result.ratio,
      limit: PARSE_RATIO_MAX[result.size],
    },
    ...[...result.stepsUs].map(([step, us]) => ({ measure: `  ${step}`, unit: "µs", value: us })),
  ]);
}

/** CPU against each baseline, then what of it the views took, throughput and latency. */
export function caseRows(result: CaseResult, limits: Limits): Row[] {
  const own = result.measured.get("Tollgate");
  if (own === undefined) return [];
  const rows: Row[] = [];
  for (const name of BASELINES) {
    const other = result.measured.get(name);
    const ratio = result.ratios.get(name);
    if (other === undefined || ratio === undefined) continue;
    const limit = limits[name];
    rows.push({
      measure: result.name,
      unit: `µs CPU/${result.unit}`,
      value: own.cpuUs,
      baseline: { name, value: other.cpuUs },
      ratio,
      ...(limit === undefined ? {} : { limit }),
    });
  }
  rows.push({ measure: "  of which views' worker", unit: "µs", value: own.viewsUs });
  rows.push(...against(result.measured, "  rate", `${result.unit}s/s`, (one) => one.perSecond));
  if (result.unit === "event") return rows;
  return [
    ...rows,
    ...against(result.measured, "  latency p50, 16 connections", "µs", (one) => one.p50Us),
    ...against(result.measured, "  latency p99, 16 connections", "µs", (one) => one.p99Us),
  ];
}

/** One connection. */
export function loneRows(size: string, seen: ReadonlyMap<Name, Latency>): Row[] {
  return [
    ...against(seen, `latency p50, 1 connection, ${size}`, "µs", (one) => one.p50Us),
    ...against(seen, `latency p99, 1 connection, ${size}`, "µs", (one) => one.p99Us),
  ];
}

/** Fixed rate. */
export function openLoopRows(
  of: { readonly size: string; readonly perSecond: number },
  seen: ReadonlyMap<Name, OpenLoopResult>,
): Row[] {
  const what = `${of.perSecond}/s at random, ${of.size}`;
  return [
    ...against(seen, `latency p50, ${what}`, "µs", (one) => one.p50Us),
    ...against(seen, `latency p99, ${what}`, "µs", (one) => one.p99Us),
    ...against(seen, `latency p99.9, ${what}`, "µs", (one) => one.p999Us),
  ];
}

/** One row for each baseline that was measured; one without where none was. */
export function against<Figures>(
  measured: ReadonlyMap<Name, Figures>,
  measure: string,
  unit: string,
  pick: (figures: Figures) => number,
): Row[] {
  const own = measured.get("Tollgate");
  const value = own === undefined ? null : pick(own);
  const rows = BASELINES.flatMap((name): Row[] => {
    const other = measured.get(name);
    return other === undefined
      ? []
      : [{ measure, unit, value, baseline: { name, value: pick(other) } }];
  });
  return rows.length === 0 ? [{ measure, unit, value }] : rows;
}
