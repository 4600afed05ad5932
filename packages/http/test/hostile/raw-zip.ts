/** Zips byte by byte, so that they can lie: names, sizes, places and attributes are as the test says. */
import { crc32, deflateRawSync } from "node:zlib";

export interface RawEntry {
  readonly name: string | Buffer;
  readonly data?: Uint8Array;
  readonly stored?: boolean;
  /** What the archive says instead of the truth. */
  readonly unpackedBytes?: number;
  readonly checksum?: number;
  /** Unix mode, with the type's bits. */
  readonly mode?: number;
  readonly flags?: number;
  /** Points to the data of the entry with this index instead of having its own. */
  readonly sharesWith?: number;
}

export function rawZip(entries: readonly RawEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const { name, data = Buffer.alloc(0), stored = false, mode = 0o100644, flags = 0x800, ...says } of entries) {
    const nameBytes = Buffer.from(name);
    const packed = stored ? Buffer.from(data) : deflateRawSync(data, { level: 9 });
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(stored ? 0 : 8, 4);
    common.writeUInt32LE(says.checksum ?? crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(says.unpackedBytes ?? data.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    const offset = says.sharesWith === undefined ? at : (offsets[says.sharesWith] ?? 0);
    offsets.push(offset);
    if (says.sharesWith === undefined) {
      const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, nameBytes, packed]);
      parts.push(local);
      at += local.length;
    }
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(mode * 0x10000, 6);
    tail.writeUInt32LE(offset, 10);
    // 3: made by a Unix.
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, tail, nameBytes]));
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}
