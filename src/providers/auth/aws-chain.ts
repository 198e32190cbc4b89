/** Where AWS keys come from: the file's own, else AWS's usual chain, in its usual order. */
import type { CloudCredential } from "../credential.ts";
import { readProfiles } from "./aws-files.ts";
import type { AwsKeys } from "./aws-keys.ts";
import { storedKeys } from "./aws-keys.ts";
import { containerKeys, instanceKeys } from "./aws-metadata.ts";
import { profileKeys } from "./aws-profile.ts";
import { assumeRoleByToken } from "./aws-sts.ts";
import { lastingFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import { referredFile, variable } from "./machine.ts";
import type { Machine } from "./machine.ts";
import type { Obtained } from "./token-cache.ts";

export type AwsCredential = Extract<CloudCredential, { kind: "aws" }>;

/**
 * Keys from the first source that is there: static ones; the profile that the credential names;
 * the environment's keys; its web identity; the profile of AWS_PROFILE, else "default"; and, only where
 * the credential allows it, the container's and the instance's. A source that is there and fails is
 * the fault: the next one might be somebody else.
 *
 * @param region of the provider, for STS; null: the environment's, the profile's, else the global one.
 */
export async function awsKeys(
  machine: Machine,
  credential: AwsCredential,
  region: string | null,
): Promise<Obtained<AwsKeys> | AuthFault> {
  if (credential.static !== null)
    return { ok: true, value: credential.static, lifeMs: null, recheckMs: null };
  const at = { machine, region: region ?? regionOf(machine), credential };
  if (credential.profile === null) {
    const own = environmentKeys(at) ?? (await webIdentityKeys(at));
    if (own !== null) return own;
  }
  const name = credential.profile ?? variable(machine, "AWS_PROFILE");
  const profiles = await readProfiles(machine);
  const inFile = await profileKeys(at, profiles, name ?? "default");
  if (inFile !== null) return inFile;
  if (name !== null) return lastingFault(`there is no AWS profile "${name}" in the shared files`);
  if (!credential.instanceMetadata)
    return lastingFault(
      "no AWS credentials in the configuration, environment or shared files " +
        "(instance metadata is asked only with instance_metadata: true)",
    );
  return (await containerKeys(machine)) ?? instanceKeys(machine);
}

/** What the sources of the chain look at. */
export interface ChainAt {
  readonly machine: Machine;
  readonly region: string | null;
  readonly credential: AwsCredential;
}

export function regionOf(machine: Machine): string | null {
  return variable(machine, "AWS_REGION") ?? variable(machine, "AWS_DEFAULT_REGION");
}

function environmentKeys({ machine }: ChainAt): Obtained<AwsKeys> | AuthFault | null {
  const id = variable(machine, "AWS_ACCESS_KEY_ID");
  const secret = variable(machine, "AWS_SECRET_ACCESS_KEY");
  if (id === null || secret === null) return null;
  const keys = storedKeys("the environment", {
    id,
    secret,
    token: variable(machine, "AWS_SESSION_TOKEN"),
  });
  // It does not change while the process runs.
  return keys.ok ? { ...keys, recheckMs: null } : keys;
}

async function webIdentityKeys({
  machine,
  region,
}: ChainAt): Promise<Obtained<AwsKeys> | AuthFault | null> {
  const path = variable(machine, "AWS_WEB_IDENTITY_TOKEN_FILE");
  const roleArn = variable(machine, "AWS_ROLE_ARN");
  if (path === null || roleArn === null) return null;
  // Read each time: it is exchanged while the pod runs.
  const token = await referredFile(machine, path, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (!token.ok) return token;
  return assumeRoleByToken(machine, region, {
    roleArn,
    token: token.text,
    sessionName: variable(machine, "AWS_ROLE_SESSION_NAME"),
    externalId: null,
    durationSeconds: null,
  });
}
