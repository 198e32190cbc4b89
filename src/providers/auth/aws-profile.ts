/** Keys by a profile of AWS's shared files: its own, or a role's by those of another source. */
import type { ChainAt } from "./aws-chain.ts";
import type { Profile, Profiles } from "./aws-files.ts";
import { storedKeys } from "./aws-keys.ts";
import type { AwsKeys } from "./aws-keys.ts";
import { containerKeys, instanceKeys } from "./aws-metadata.ts";
import { assumeRoleByKeys, assumeRoleByToken } from "./aws-sts.ts";
import type { RoleWanted } from "./aws-sts.ts";
import { lastingFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import { referredFile, variable } from "./machine.ts";
import type { Obtained } from "./token-cache.ts";

type Keys = Obtained<AwsKeys> | AuthFault;

/** What a profile may say that only a person, or a program of theirs, can answer. */
const UNSUPPORTED = [
  "mfa_serial",
  "credential_process",
  "sso_session",
  "sso_start_url",
  "login_session",
];

/** Null where there is no such profile, or it says nothing of credentials. */
export async function profileKeys(
  at: ChainAt,
  profiles: Profiles,
  name: string,
): Promise<Keys | null> {
  const visited: string[] = [];
  return byProfile({ ...at, profiles, visited }, name);
}

interface Walk extends ChainAt {
  readonly profiles: Profiles;
  /** Names on the way here. */
  readonly visited: string[];
}

async function byProfile(walk: Walk, name: string): Promise<Keys | null> {
  const profile = walk.profiles.get(name);
  if (profile === undefined) return null;
  const where = `AWS profile "${name}"`;
  const isRepeated = walk.visited.includes(name);
  walk.visited.push(name);
  const roleArn = profile.get("role_arn");
  // A profile may name itself as the source of its role: then its own keys are meant.
  if (roleArn !== undefined && !isRepeated) return byRole(walk, { where, profile, roleArn });
  if (profile.has("aws_access_key_id")) return ownKeys(where, profile);
  const cannot = UNSUPPORTED.find((field) => profile.has(field));
  if (cannot !== undefined) return lastingFault(`${where} uses ${cannot}, which a gateway cannot`);
  return isRepeated ? lastingFault(`${where} is the source of its own role, without keys`) : null;
}

function ownKeys(where: string, profile: Profile): Keys {
  return storedKeys(where, {
    id: profile.get("aws_access_key_id") ?? null,
    secret: profile.get("aws_secret_access_key") ?? null,
    token: profile.get("aws_session_token") ?? null,
  });
}

interface RoleProfile {
  readonly where: string;
  readonly profile: Profile;
  readonly roleArn: string;
}

async function byRole(walk: Walk, { where, profile, roleArn }: RoleProfile): Promise<Keys> {
  if (profile.has("mfa_serial"))
    return lastingFault(`${where} uses mfa_serial, which a gateway cannot`);
  const region = walk.region ?? profile.get("region") ?? null;
  const role: RoleWanted = {
    roleArn,
    sessionName: profile.get("role_session_name") ?? null,
    externalId: profile.get("external_id") ?? null,
    durationSeconds: profile.get("duration_seconds") ?? null,
  };
  const path = profile.get("web_identity_token_file");
  if (path !== undefined) {
    const token = await referredFile(walk.machine, path, `${where}: web_identity_token_file`);
    if (!token.ok) return token;
    return assumeRoleByToken(walk.machine, region, { ...role, token: token.text });
  }
  const source = await sourceKeys(walk, where, profile);
  if (!source.ok) return source;
  return assumeRoleByKeys(walk.machine, region, { ...role, keys: source.value });
}

async function sourceKeys(walk: Walk, where: string, profile: Profile): Promise<Keys> {
  const { machine, credential } = walk;
  const name = profile.get("source_profile");
  if (name !== undefined) {
    const keys = await byProfile(walk, name);
    return keys ?? lastingFault(`${where}: its source_profile "${name}" has no credentials`);
  }
  const source = profile.get("credential_source");
  if (source === "Environment")
    return storedKeys(`${where}: the environment`, {
      id: variable(machine, "AWS_ACCESS_KEY_ID"),
      secret: variable(machine, "AWS_SECRET_ACCESS_KEY"),
      token: variable(machine, "AWS_SESSION_TOKEN"),
    });
  const isMetadata = source === "Ec2InstanceMetadata" || source === "EcsContainer";
  if (!isMetadata) return lastingFault(`${where}: role_arn needs source_profile`);
  if (!credential.instanceMetadata)
    return lastingFault(`${where}: ${source} is asked only with instance_metadata: true`);
  if (source === "Ec2InstanceMetadata") return instanceKeys(machine);
  const keys = await containerKeys(machine);
  return keys ?? lastingFault(`${where}: the environment names no container's credentials`);
}
