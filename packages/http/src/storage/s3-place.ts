/** Which bucket, where, and as whom. */
import { ConfigError } from "lovage";

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Place {
  readonly bucket: string;
  /** "" or with "/" at its end. */
  readonly prefix: string;
  /** Absent: as the SDK finds it (`AWS_REGION`, its files). */
  readonly region: string | undefined;
  /** Absent: AWS. */
  readonly endpoint: string | undefined;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly pathStyle: boolean;
  /** Absent: the SDK's own chain, from environment, files or the machine's role. */
  readonly credentials: S3Credentials | undefined;
}

const parameters = ["region", "endpoint", "pathStyle"];

/**
 * `s3://bucket/prefix?region=eu-central-1&endpoint=https://minio.example:9000&pathStyle=true`. With an endpoint the default is
 * path style. @throws {ConfigError} LOVAGE_STORAGE_INVALID
 */
export function parseS3Url(text: string, credentials?: S3Credentials): S3Place {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname)) throw invalid("expected s3://bucket/prefix with a bucket's name");
  if (url.username || url.password) throw invalid("credentials do not belong into the URL: use the option credentials, or the environment");
  const unknown = [...url.searchParams.keys()].filter((name) => !parameters.includes(name));
  if (unknown.length > 0) throw invalid(`it has ${unknown.join(", ")}; known are ${parameters.join(", ")}`);
  const endpoint = url.searchParams.get("endpoint") ?? undefined;
  if (endpoint !== undefined && !/^https?:\/\/[^/]/.test(endpoint))
    throw invalid(`its endpoint is "${endpoint}": expected http(s)://host:port`);
  const pathStyle = url.searchParams.get("pathStyle") ?? String(endpoint !== undefined);
  if (pathStyle !== "true" && pathStyle !== "false") throw invalid(`its pathStyle is "${pathStyle}": expected true or false`);
  const prefix = decoded(url.pathname).replace(/^\/+|\/+$/g, "");
  return {
    bucket: url.hostname,
    prefix: prefix === "" ? "" : `${prefix}/`,
    region: url.searchParams.get("region") ?? undefined,
    endpoint,
    pathStyle: pathStyle === "true",
    credentials,
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalid(`its path is "${path}", which is not well-formed`);
  }
}

const invalid = (problem: string) => new ConfigError("LOVAGE_STORAGE_INVALID", `The URL of the S3 storage names none: ${problem}.`);
