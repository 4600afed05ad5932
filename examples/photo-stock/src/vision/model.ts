/**
 * Loads the network once per process: the built-in one, or the user's own .onnx file. On the first CUDA device where
 * onnxruntime has that provider, else on the CPU. The tensor contract is in README.md.
 */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { InferenceSession, listSupportedBackends, Tensor } from "onnxruntime-node";
import { buildBlobModel } from "./blob-model.ts";
import { PhotoError } from "./photo-error.ts";

/** What the pipeline can feed; a model takes any of these by name. */
export const MODEL_INPUTS = ["image", "foreground"] as const;
export type ModelInput = (typeof MODEL_INPUTS)[number];

export interface Plane {
  readonly channels: 1 | 3;
  readonly data: Float32Array;
}

/** `auto` tries CUDA and falls back to the CPU. */
export type Device = "auto" | "cpu";

export interface Model {
  /** `depth`: the built-in contract, objects are cut out of the foreground. `boxes`: the model answers with boxes itself. */
  readonly kind: "depth" | "boxes";
  readonly inputs: readonly ModelInput[];
  readonly device: "cuda" | "cpu";
  run(planes: Readonly<Partial<Record<ModelInput, Plane>>>, width: number, height: number): Promise<Readonly<Record<string, Output>>>;
}

export interface Output {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

const loaded = new Map<string, Promise<Model>>();
let current: Promise<Model> | undefined;

/**
 * The built-in model, or the user's own .onnx file. The session is made at the first call and kept for the life of the process;
 * what was loaded last is what `currentModel` answers.
 */
export function loadModel(modelPath?: string, device: Device = "auto"): Promise<Model> {
  const key = `${device}|${modelPath ?? ""}`;
  let model = loaded.get(key);
  if (model === undefined) {
    model = open(modelPath, device);
    loaded.set(key, model);
    model.catch(() => loaded.delete(key));
  }
  current = model;
  return model;
}

/** The model this process loaded last; the built-in one if none was. */
export function currentModel(): Promise<Model> {
  return current ?? loadModel();
}

/** Writes the built-in model as a file, for other tools or as a start for one's own. */
export async function writeBlobModel(path: string): Promise<void> {
  await writeFile(path, buildBlobModel());
}

async function open(modelPath: string | undefined, device: Device): Promise<Model> {
  const source = modelPath ?? buildBlobModel();
  const where = modelPath ?? "the built-in model";
  const { session, on } = await create(source, where, device);
  const inputs = session.inputNames.map((name) => {
    if ((MODEL_INPUTS as readonly string[]).includes(name)) return name as ModelInput;
    throw new PhotoError(
      "MODEL_UNUSABLE",
      `${where} wants an input "${name}". Name its inputs ${MODEL_INPUTS.join(", ")} (either or both).`,
    );
  });
  const outputs = session.outputNames;
  const kind = outputs.includes("boxes") && outputs.includes("scores") ? "boxes" : outputs.includes("depth") ? "depth" : undefined;
  if (kind === undefined) {
    throw new PhotoError("MODEL_UNUSABLE", `${where} answers ${outputs.join(", ")}. It must answer "boxes" and "scores", or "depth".`);
  }
  return { kind, inputs, device: on, run: (planes, width, height) => infer(session, inputs, planes, width, height) };
}

async function create(
  source: string | Uint8Array,
  where: string,
  device: Device,
): Promise<{ session: InferenceSession; on: "cuda" | "cpu" }> {
  // Runners are scaled by the queue, so one session must not take all cores. Level 3 = errors only.
  const base = { intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: "all", logSeverityLevel: 3 } as const;
  const make = (options: InferenceSession.SessionOptions): Promise<InferenceSession> =>
    typeof source === "string" ? InferenceSession.create(source, options) : InferenceSession.create(source, options);
  if (device === "auto" && hasCuda()) {
    try {
      return { session: await make({ ...base, executionProviders: ["cuda"] }), on: "cuda" };
    } catch {
      // The provider is compiled in but there is no device or driver: the CPU does the same work.
    }
  }
  try {
    return { session: await make({ ...base, executionProviders: ["cpu"] }), on: "cpu" };
  } catch (cause) {
    throw new PhotoError("MODEL_UNUSABLE", `${where} cannot be loaded by onnxruntime: ${(cause as Error).message}`, { cause });
  }
}

/** The provider is listed on every Linux and prints an error when it finds no driver, so a driver is looked for first (WSL: dxg). */
function hasCuda(): boolean {
  const listed = listSupportedBackends().some((backend) => backend.name === "cuda");
  return listed && (process.platform !== "linux" || ["/dev/nvidiactl", "/dev/dxg"].some((device) => existsSync(device)));
}

async function infer(
  session: InferenceSession,
  inputs: readonly ModelInput[],
  planes: Readonly<Partial<Record<ModelInput, Plane>>>,
  width: number,
  height: number,
): Promise<Record<string, Output>> {
  const feeds: Record<string, Tensor> = {};
  for (const name of inputs) {
    const plane = planes[name];
    if (plane !== undefined) feeds[name] = new Tensor("float32", plane.data, [1, plane.channels, height, width]);
  }
  const results = await session.run(feeds);
  const out: Record<string, Output> = {};
  for (const [name, tensor] of Object.entries(results)) {
    if (!(tensor.data instanceof Float32Array)) {
      throw new PhotoError("MODEL_UNUSABLE", `The model's output "${name}" is ${tensor.type}; outputs must be float32.`);
    }
    out[name] = { dims: tensor.dims, data: tensor.data };
  }
  return out;
}
