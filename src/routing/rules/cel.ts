/** The CEL environment of rules: every fact as a typed variable, read when an expression asks for it. */
import { Environment } from "@marcbachmann/cel-js";
import {
  type FactContext,
  MAP_FACTS,
  PROVIDER_FACTS,
  type ProviderFacts,
  type ScalarFact,
  SCALAR_FACTS,
} from "./facts.ts";

/** Bounds of one expression, far above what a person writes. */
const LIMITS = {
  maxAstNodes: 2000,
  maxDepth: 64,
  maxListElements: 500,
  maxMapEntries: 100,
  maxCallArguments: 16,
};

/** What `budget.utilisation.team` stands in: facts by name, and further groups of facts. */
interface Group {
  readonly facts: Map<string, ScalarFact>;
  readonly groups: Map<string, Group>;
}

/** Makes the value of a variable from the request. */
type Make = (context: FactContext) => unknown;

export interface CelFacts {
  readonly environment: Environment;
  /** The variables of one request, for any number of expressions; values are read once asked for. */
  readonly variablesOf: (context: FactContext) => Record<string, unknown>;
}

/** The environment and variables; `providerIds` are those of the configuration. */
export function celFacts(providerIds: readonly string[]): CelFacts {
  const environment = new Environment({ limits: LIMITS });
  const makes = new Map<string, Make>();
  const root = rootGroup();
  for (const [name, fact] of root.facts) {
    environment.registerVariable(name, fact.type);
    makes.set(name, readerOf(fact));
  }
  for (const [name, group] of root.groups) {
    const { type, make } = registerGroup(environment, titled(name), group);
    environment.registerVariable(name, type);
    makes.set(name, make);
  }
  environment.registerVariable("labels", MAP_FACTS.labels.type);
  makes.set("labels", ({ facts }) => facts.labels);
  const makeProvider = registerProvider(environment);
  environment.registerVariable("providers", MAP_FACTS.providers.type);
  const providers: Make = (context) =>
    new Map(providerIds.map((id) => [id, makeProvider(context, id)]));
  makes.set("providers", providers);
  const Variables = lazyClass(makes);
  return { environment, variablesOf: (context) => new Variables(context) };
}

function rootGroup(): Group {
  const root: Group = { facts: new Map(), groups: new Map() };
  for (const [path, fact] of Object.entries(SCALAR_FACTS)) {
    const names = path.split(".");
    const last = names.pop() ?? path;
    let group = root;
    for (const name of names) {
      const next: Group = group.groups.get(name) ?? { facts: new Map(), groups: new Map() };
      group.groups.set(name, next);
      group = next;
    }
    group.facts.set(last, fact);
  }
  return root;
}

/** CEL's `int` is a bigint. */
function readerOf(fact: ScalarFact): Make {
  const { read, type } = fact;
  return type === "int" ? (context) => BigInt(Math.trunc(fact.read(context))) : read;
}

function registerGroup(
  environment: Environment,
  type: string,
  group: Group,
): { readonly type: string; readonly make: Make } {
  const fields: Record<string, string> = {};
  const makes = new Map<string, Make>();
  for (const [name, fact] of group.facts) {
    fields[name] = fact.type;
    makes.set(name, readerOf(fact));
  }
  for (const [name, inner] of group.groups) {
    const registered = registerGroup(environment, type + titled(name), inner);
    fields[name] = registered.type;
    makes.set(name, registered.make);
  }
  const Value = lazyClass(makes);
  environment.registerType(type, { ctor: Value, fields });
  return { type, make: (context) => new Value(context) };
}

function registerProvider(environment: Environment): (context: FactContext, id: string) => object {
  class Provider {
    readonly #context: FactContext;
    readonly #id: string;
    #facts: ProviderFacts | null = null;
    constructor(context: FactContext, id: string) {
      this.#context = context;
      this.#id = id;
    }
    facts(): ProviderFacts {
      const { facts } = this.#context;
      return (this.#facts ??= facts.provider(this.#id, facts.model));
    }
  }
  const fields: Record<string, string> = {};
  for (const [name, fact] of Object.entries(PROVIDER_FACTS)) {
    fields[name] = fact.type;
    const get = function get(this: Provider): unknown {
      return fact.read(this.facts());
    };
    Object.defineProperty(Provider.prototype, name, { get });
  }
  environment.registerType("Provider", { ctor: Provider, fields });
  return (context, id) => new Provider(context, id);
}

/** A class whose properties are read from the request when they are first asked for. */
function lazyClass(
  makes: ReadonlyMap<string, Make>,
): new (context: FactContext) => Record<string, unknown> {
  class Lazy {
    readonly context: FactContext;
    readonly known: unknown[] = [];
    constructor(context: FactContext) {
      this.context = context;
    }
  }
  for (const [index, [name, make]] of [...makes].entries()) {
    const get = function get(this: Lazy): unknown {
      return (this.known[index] ??= make(this.context));
    };
    Object.defineProperty(Lazy.prototype, name, { get });
  }
  return Lazy as unknown as new (context: FactContext) => Record<string, unknown>;
}

function titled(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
