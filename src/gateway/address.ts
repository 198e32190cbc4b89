/** Where a candidate is reached: its provider's URL and its door's paths, filled in once. */
import type { ProviderConfig } from "../config/config.ts";
import { baseUrlOf, doorHeaders, pathOf } from "../providers/models.ts";
import type { DoorRow, ProviderRow } from "../providers/row.ts";

export interface Address {
  readonly origin: string;
  /** With the base URL's own path, without a query of the client's. */
  readonly message: string;
  readonly stream: string;
  readonly countTokens: string | null;
  readonly modelList: string | null;
  /** Sent with every request, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Null where a setting is missing that the URL needs: such a provider serves nothing. */
export function addressOf(
  row: ProviderRow,
  door: DoorRow,
  of: { readonly provider: ProviderConfig; readonly model: string },
): Address | null {
  const { provider, model } = of;
  const { settings } = provider;
  const base = baseUrlOf(row, provider.baseUrl, settings);
  const headers = doorHeaders(door, settings);
  if (base === null || headers === null) return null;
  const { origin, pathname } = new URL(base);
  const prefix = pathname.replace(/\/$/, "");
  const filled = (template: string | null): string | null => {
    const path = template === null ? null : pathOf(template, settings, model);
    return path === null ? null : prefix + path;
  };
  const message = filled(door.paths.message);
  const stream = filled(door.paths.stream);
  if (message === null || stream === null) return null;
  const countTokens = filled(door.paths.countTokens);
  const modelList = filled(row.modelList?.path ?? null);
  return { origin, message, stream, countTokens, modelList, headers };
}
