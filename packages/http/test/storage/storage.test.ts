import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { newEncryptionKey, type StorageOptions } from "@lovage/http";
import { SmallDisk } from "lovage/testing";
import { describeStorage, type SetUp } from "./conformance.ts";
import { S3Service } from "./s3.ts";

let places = 0;
function newPlace(): string {
  places += 1;
  return `place-${places}`;
}

async function inFolder(): Promise<SetUp> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "lovage-storage-"));
  // Where the system lets us mount none, the test says that it was skipped.
  const disk = SmallDisk.refusal() === undefined ? new SmallDisk(8) : undefined;
  return {
    place: () => ({ url: path.join(folder, newPlace()) }),
    ...(disk && { smallPlace: () => ({ url: path.join(disk.folder, "jobs") }) }),
    close: async () => {
      disk?.unmount();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function inS3(): Promise<SetUp> {
  const [service, small] = await Promise.all([S3Service.start(), S3Service.start(8 * 2 ** 20)]);
  return {
    place: () => service.storage(newPlace()),
    smallPlace: () => small.storage("small"),
    close: async () => {
      await Promise.all([service.stop(), small.stop()]);
    },
  };
}

const encrypted = (setUp: () => Promise<SetUp>) => async (): Promise<SetUp> => {
  const made = await setUp();
  const encryption = newEncryptionKey("test");
  const wrap = (place: StorageOptions): StorageOptions => ({ ...place, encryption });
  const { smallPlace } = made;
  return {
    place: () => wrap(made.place()),
    ...(smallPlace && { smallPlace: () => wrap(smallPlace()) }),
    close: () => made.close(),
  };
};

describeStorage("a folder", inFolder);
describeStorage("S3", inS3);
describeStorage("an encrypted folder", encrypted(inFolder));
describeStorage("encrypted S3", encrypted(inS3));
