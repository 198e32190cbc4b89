/** Credentials of the clouds, as they are configured: what `auth/` makes headers of. */

/** A credential that is no plain secret; null parts come from the machine's own chain. Never logged. */
export type CloudCredential =
  | {
      readonly kind: "aws";
      readonly static: {
        readonly accessKeyId: string;
        readonly secretAccessKey: string;
        readonly sessionToken: string | null;
      } | null;
      /** Of the shared file; null: AWS_PROFILE, else "default". */
      readonly profile: string | null;
      /** The instance metadata service may be asked. */
      readonly instanceMetadata: boolean;
    }
  | {
      readonly kind: "google";
      /** A service account's or workload identity's JSON; null: application default credentials. */
      readonly credentialsJson: string | null;
      /** The metadata server of Google's machines may be asked. */
      readonly instanceMetadata: boolean;
    }
  | {
      readonly kind: "azure";
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: string;
    };
