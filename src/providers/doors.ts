/** The doors: which translation or splice each upstream format needs. One entry a format. */
import { readErrorEnvelope } from "../wire/anthropic/usage.ts";
import { cloudBetas } from "../wire/anthropic/betas.ts";
import { foreignEdits, type ForeignEdits } from "../wire/anthropic/foreign.ts";
import { editModel, spliceBody, type Edit } from "../wire/anthropic/splice.ts";
import type { UpstreamFault } from "../wire/answer.ts";
import { bedrockConverse } from "../wire/bedrock-converse/egress.ts";
import { invokeAnswer } from "../wire/bedrock-invoke/answer.ts";
import { invokeEdits } from "../wire/bedrock-invoke/splice.ts";
import { bedrockBetas } from "../wire/bedrock-converse/betas.ts";
import { fitToolNames } from "../wire/canonical/tool-names.ts";
import { isUnsupported, type Egress } from "../wire/egress.ts";
import { gemini } from "../wire/gemini/egress.ts";
import { openaiChat } from "../wire/openai-chat/egress.ts";
import { openaiResponses } from "../wire/openai-responses/egress.ts";
import { vertexFault } from "../wire/vertex-anthropic/fault.ts";
import { vertexCountEdits, vertexEdits } from "../wire/vertex-anthropic/splice.ts";
import type { Door, DoorBody, DoorRequest } from "./door.ts";
import type { WireFormat } from "./row.ts";

/** Formats whose bodies are not the client's own; the documentation's table of losses is made of it. */
export const TRANSLATORS = {
  "bedrock-converse": bedrockConverse,
  "openai-chat": openaiChat,
  "openai-responses": openaiResponses,
  gemini,
} as const satisfies Partial<Record<WireFormat, Egress>>;

const NOTHING: readonly string[] = [];
const NOTHING_FOREIGN: ForeignEdits = { edits: [], dropped: NOTHING };

const DOORS: Readonly<Record<WireFormat, Door>> = {
  "anthropic-messages": spliced({
    passes: true,
    edits: (request) =>
      request.model === request.body.model ? [] : [editModel(request.body, request.model)],
  }),
  "vertex-anthropic": {
    ...spliced({
      passes: true,
      edits: vertexSplices,
      dropped: ({ betas }) => (cloudBetas(betas).left.length > 0 ? ["anthropic-beta"] : NOTHING),
    }),
    fault: vertexFault,
  },
  "bedrock-invoke": {
    ...spliced({
      passes: false,
      edits: ({ body, chunks, betas }) => invokeEdits(body, chunks, betas),
      dropped: ({ betas }) => (bedrockBetas(betas).left.length > 0 ? ["anthropic-beta"] : NOTHING),
    }),
    answer: invokeAnswer,
    fault: bedrockConverse.fault,
  },
  "bedrock-converse": translated(bedrockConverse),
  "openai-chat": translated(openaiChat),
  "openai-responses": translated(openaiResponses),
  gemini: translated(gemini),
};

/** The door of a format. */
export function doorOf(format: WireFormat): Door {
  return DOORS[format];
}

function vertexSplices({ body, chunks, counts, model }: DoorRequest): readonly Edit[] {
  if (!counts) return vertexEdits(body, chunks);
  const renamed = model === body.model ? [] : [editModel(body, model)];
  return [...vertexCountEdits(body, chunks), ...renamed];
}

/** A door that takes the client's own bytes, but for a few splices. */
function spliced(of: {
  readonly passes: boolean;
  readonly edits: (request: DoorRequest) => readonly Edit[];
  readonly dropped?: (request: DoorRequest) => readonly string[];
}): Door {
  return {
    passes: of.passes,
    prepare(request) {
      const foreign =
        request.mayHoldForeignThinking === true
          ? foreignEdits(request.body, request.chunks)
          : NOTHING_FOREIGN;
      const edits = [...request.edits, ...of.edits(request), ...foreign.edits];
      const chunks = edits.length === 0 ? request.chunks : spliceBody(request.chunks, edits);
      return { chunks, dropped: [...(of.dropped?.(request) ?? NOTHING), ...foreign.dropped] };
    },
    answer: () => null,
    fault: (status, body) => readErrorEnvelope(body) ?? plainFault(status),
  };
}

function plainFault(status: number): UpstreamFault {
  return { type: "api_error", message: `The provider answered ${status}.` };
}

/** A door of another dialect. */
function translated(egress: Egress): Door {
  return {
    passes: false,
    prepare(request) {
      const canonical = request.canonical();
      if ("unsupported" in canonical) return canonical;
      const fitted = fitToolNames(canonical);
      const made = egress.request(fitted.request, request);
      if (isUnsupported(made)) return made;
      const body: DoorBody = {
        chunks: [Buffer.from(JSON.stringify(made.json))],
        dropped: made.dropped,
        toolNames: fitted.originals,
      };
      return body;
    },
    answer: (context) => egress.answer(context),
    fault: (status, body) => egress.fault(status, body),
  };
}
