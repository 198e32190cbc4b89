/** Holds answers of the running server against its description, and remembers which of them were reached. */
import assert from "node:assert/strict";
import type { RawAnswer } from "../harness/raw-request.ts";
import type { ApiDocument, Operation } from "./openapi-document.ts";
import { faultsOf } from "./openapi-schema.ts";

export interface ProblemBody {
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly parameter?: string;
}

const PROBLEM = "application/problem+json";
const SERVER_FAULT = 500;

export class Answers {
  readonly #document: ApiDocument;
  readonly #reached = new Set<string>();

  constructor(document: ApiDocument) {
    this.#document = document;
  }

  /** Checks status, headers, type and body; `told` says what was asked. */
  hold(operation: Operation, answer: RawAnswer, told: string): void {
    const { status, headers } = answer;
    const what = `${operation.operationId} ${told} → ${status} ${answer.body.toString().slice(0, 600)}`;
    assert.ok(status < SERVER_FAULT, what);
    const response = operation.responses[String(status)];
    assert.ok(response !== undefined, `a status that is not described: ${what}`);
    assert.ok(headers["request-id"] !== undefined, what);
    const type = headers["content-type"] ?? "";
    const [media = ""] = type.split(";");
    if (response.content === undefined) {
      assert.equal(answer.body.length, 0, what);
      this.#reached.add(`${operation.operationId} ${status}`);
      return;
    }
    const described = response.content[type] ?? response.content[media];
    assert.ok(described !== undefined, `${type} is not described: ${what}`);
    const value: unknown = /json/.test(media) ? answer.json() : answer.body.toString();
    assert.deepEqual(
      faultsOf(described.schema, value, this.#document.components.schemas),
      [],
      what,
    );
    this.#reached.add(`${operation.operationId} ${status} ${media}`);
    if (status >= 400) holdProblem(answer, what);
    else if (media !== "text/csv" && !isList(value)) this.#holdHeaders(operation, answer, what);
  }

  /** Good answers of an operation, as `hold` remembers them, that were not reached. */
  notReached(operations: readonly Operation[]): string[] {
    return operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses)
        .filter(([status]) => Number(status) < 400)
        .flatMap(([status, { content }]) =>
          content === undefined
            ? [`${operationId} ${status}`]
            : Object.keys(content).map((type) => `${operationId} ${status} ${type.split(";")[0]}`),
        )
        .filter((good) => !this.#reached.has(good)),
    );
  }

  #holdHeaders({ responses }: Operation, { status, headers }: RawAnswer, what: string): void {
    for (const name of Object.keys(responses[String(status)]?.headers ?? {}))
      assert.ok(headers[name] !== undefined, `the header ${name} is missing: ${what}`);
  }
}

function holdProblem(answer: RawAnswer, what: string): void {
  const problem = answer.json() as ProblemBody;
  assert.ok(String(answer.headers["content-type"]).startsWith(PROBLEM), what);
  assert.equal(problem.status, answer.status, what);
  assert.match(problem.detail, /\S+ \S+/, what);
  if (answer.status === 401) assert.match(String(answer.headers["www-authenticate"]), /^Bearer/);
}

/** What answers many things at once has no tag of one of them. */
function isList(value: unknown): boolean {
  return typeof value === "object" && value !== null && "data" in value;
}
