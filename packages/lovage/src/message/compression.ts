/** Compressed bodies, read only. Python's "gzip" is zlib format and not a gzip file; both are read. celery-wire.md §1.1. */
import { brotliDecompressSync, unzipSync } from "node:zlib";
import { MessageError } from "../kernel/errors.ts";

/** A body may not unpack to more: a kilobyte of zlib can claim a megabyte. */
export const maxUnpackedBytes = 256 * 1024 * 1024;

/** By kombu's content types. Only those that Node brings along. */
const readers: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  "application/x-gzip": (bytes) => unzipSync(bytes, { maxOutputLength: maxUnpackedBytes }),
  "application/x-brotli": (bytes) => brotliDecompressSync(bytes, { maxOutputLength: maxUnpackedBytes }),
};
const names: Readonly<Record<string, string>> = { "application/x-bz2": "bzip2", "application/x-lzma": "lzma", "application/zstd": "zstd" };

/** @throws {MessageError} LOVAGE_COMPRESSION_UNSUPPORTED for another codec, LOVAGE_BODY_INVALID for bytes that do not unpack */
export function decompress(bytes: Uint8Array, compression: unknown): Uint8Array {
  const known = typeof compression === "string" && Object.hasOwn(readers, compression) ? readers[compression] : undefined;
  if (known === undefined) throw unsupported(compression);
  try {
    return known(bytes);
  } catch (cause) {
    throw new MessageError(
      "LOVAGE_BODY_INVALID",
      `Cannot unpack a message body of ${bytes.length} bytes as ${compression}: ${(cause as Error).message}.`,
      {
        cause,
        details: { compression },
      },
    );
  }
}

function unsupported(compression: unknown): MessageError {
  const text = typeof compression === "string" ? compression.slice(0, 80) : typeof compression;
  const name = typeof compression === "string" && Object.hasOwn(names, compression) ? ` (${names[compression]})` : "";
  return new MessageError(
    "LOVAGE_COMPRESSION_UNSUPPORTED",
    `Cannot unpack a message body compressed as ${text}${name}: gzip, zlib and brotli are read. Change task_compression at the sender.`,
    { details: { compression } },
  );
}
