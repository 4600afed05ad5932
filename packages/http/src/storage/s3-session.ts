/** The SDK and a client of it. The SDK is an optional package: it is loaded when somebody has a storage in S3. */
import type { S3Client } from "@aws-sdk/client-s3";
import { ConfigError } from "lovage";
import type { S3Place } from "./s3-place.ts";

export type S3Sdk = typeof import("@aws-sdk/client-s3");

export interface S3Session {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
}

/** @throws {ConfigError} LOVAGE_STORAGE_PACKAGE_MISSING. Asks the service nothing yet. */
export async function connectS3({ region, endpoint, pathStyle, credentials }: S3Place): Promise<S3Session> {
  const sdk = await loadSdk();
  const client = new sdk.S3Client({
    // Most services that are not AWS take any; without one the SDK refuses.
    ...(region === undefined ? endpoint !== undefined && { region: "us-east-1" } : { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials }),
    forcePathStyle: pathStyle,
    // The signature covers the bytes already; not every service knows the newer checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: 5000, socketTimeout: 60_000 },
  });
  return { sdk, client };
}

async function loadSdk(): Promise<S3Sdk> {
  try {
    return await import("@aws-sdk/client-s3");
  } catch (cause) {
    throw new ConfigError(
      "LOVAGE_STORAGE_PACKAGE_MISSING",
      "A storage in S3 needs a package beside @lovage/http: npm install @aws-sdk/client-s3.",
      {
        cause,
      },
    );
  }
}
