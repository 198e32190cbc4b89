/** A counter that sums its series by itself and hands them to Prometheus' library at a scrape. */
import { Counter, type Registry } from "prom-client";

/** One label set's name among its counter's: values cannot hold this character. */
const SEPARATOR = "\u0000";

type Labels<Label extends string> = Partial<Record<Label, string>>;

/** What the library does for every single increment (sorting and joining labels) is done once a scrape. */
export class CountedSeries<Label extends string> {
  readonly #labelNames: readonly Label[];
  readonly #series = new Map<string, { readonly labels: Labels<Label>; value: number }>();

  constructor(
    registry: Registry,
    of: { readonly name: string; readonly help: string; readonly labelNames: readonly Label[] },
  ) {
    const { name, help, labelNames } = of;
    const all = this.#series;
    this.#labelNames = labelNames;
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels, value } of all.values()) this.inc(labels, value);
      },
    });
  }

  /** @param values in the order of the label names. */
  add(values: readonly string[], by = 1): void {
    const key = values.join(SEPARATOR);
    const known = this.#series.get(key);
    if (known !== undefined) {
      known.value += by;
      return;
    }
    const labels = this.#labelNames.map((name, index) => [name, values[index] ?? ""] as const);
    this.#series.set(key, { labels: Object.fromEntries(labels) as Labels<Label>, value: by });
  }
}
