import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { writePredictions } from "./predictions.ts";

it("writes a table that spreadsheets take for words, whatever the images are called", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "image-predictions-"));
  try {
    const probabilities = { photo: 0.9, drawing: 0.1, text: 0 };
    await writePredictions(folder, [
      { image: '=1+1,"a"', width: 3, height: 2, kind: "photo", probabilities, annotated: "0001.jpg" },
      { image: "bad.png", error: { code: "IMAGE_UNREADABLE", message: "no" } },
    ]);
    expect(await readFile(path.join(folder, "predictions.csv"), "utf8")).toBe(
      'image,kind,photo,drawing,text,width,height,error\r\n"\'=1+1,""a""",photo,0.9,0.1,0,3,2,\r\nbad.png,,,,,,,IMAGE_UNREADABLE\r\n',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
