/** Answers that say no, as RFC 9457 problem details. */
import { z } from "zod";

/** The reason in one word, for programs; the sentence beside it is for people. */
export type ProblemCode =
  | "invalid_parameter"
  | "invalid_body"
  | "unauthenticated"
  | "csrf"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "changed"
  | "too_large"
  | "unsupported_media_type"
  | "idempotency_key_reused"
  | "unavailable"
  | "internal";

const TITLES: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  invalid_parameter: [400, "A parameter is not valid"],
  invalid_body: [400, "The body is not valid"],
  unauthenticated: [401, "Not signed in"],
  csrf: [403, "Not sent by the dashboard"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  conflict: [409, "Not possible in this state"],
  changed: [412, "Changed in between"],
  too_large: [413, "The body is too large"],
  unsupported_media_type: [415, "Unsupported media type"],
  idempotency_key_reused: [409, "The idempotency key was used for another request"],
  unavailable: [503, "Not available now"],
  internal: [500, "The gateway failed"],
};

/** What is wrong with a row of a list; `column` as the header names it, null for the row as a whole. */
export interface RowFault {
  readonly line: number;
  readonly column: string | null;
  readonly message: string;
}

/** What a client may know about a problem beyond its sentence. Never a secret. */
export interface ProblemFields {
  /** The query parameter, header or body field that is at fault. */
  readonly parameter?: string | undefined;
  /** Its value as it came, cut. */
  readonly value?: string | undefined;
  /** What is wrong with rows of a list, where it is not one thing; cut after the first hundred. */
  readonly faults?: readonly RowFault[] | undefined;
}

export interface ProblemOptions extends ProblemFields {
  readonly headers?: Readonly<Record<string, string>>;
}

const VALUE_CHARACTERS_MAX = 100;
const FAULTS_MAX = 100;

/** Thrown by whatever finds out; answered at the one boundary. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly fields: ProblemFields;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail One sentence: what is wrong, and the remedy. */
  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail);
    const { headers = {}, ...fields } = options;
    this.code = code;
    this.fields = fields;
    this.headers = headers;
  }

  get status(): number {
    return TITLES[this.code][0];
  }

  /** The body of the answer. */
  document(requestId: string): ProblemDocument {
    const { parameter, value, faults } = this.fields;
    const [status, title] = TITLES[this.code];
    return {
      type: "about:blank",
      title,
      status,
      detail: this.message,
      code: this.code,
      ...(parameter === undefined ? {} : { parameter }),
      ...(value === undefined ? {} : { value: value.slice(0, VALUE_CHARACTERS_MAX) }),
      ...(faults === undefined ? {} : { faults: faults.slice(0, FAULTS_MAX) }),
      request_id: requestId,
    };
  }
}

export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(TITLES) as [ProblemCode, ...ProblemCode[]]),
    parameter: z.string().optional().describe("The parameter, header or field that is at fault."),
    value: z.string().optional(),
    faults: z
      .array(z.strictObject({ line: z.int(), column: z.string().nullable(), message: z.string() }))
      .optional()
      .describe("Of a list: what is wrong with which row; the first hundred."),
    request_id: z.string(),
  })
  .meta({ id: "Problem" });

export type ProblemDocument = z.infer<typeof problemSchema>;
