/** What a test and the process of several gateways agree on: where each of them is. */

/** Names the further gateways in the environment, as JSON. */
export const TENANTS_VARIABLE = "TOLLGATE_TEST_TENANTS";

export interface TenantPlace {
  readonly configFile: string;
  readonly port: number;
  readonly adminPort: number;
}

/** Where the further gateways have their data: beside the first one's. */
export function tenantDirectory(dataDir: string, index: number): string {
  return `${dataDir}-${index + 1}`;
}
