/**
 * Writes an .onnx file: a protobuf message is a row of fields, each a key (number and wire type) and a varint or a length and
 * bytes. Only what a float network needs; the numbers are those of onnx.proto3.
 */
export interface TensorSpec {
  readonly name: string;
  /** A string is a free dimension of that name. */
  readonly shape: readonly (number | string)[];
}

export interface Weights {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly weights: readonly Weights[];
  readonly nodes: readonly Node[];
}

/** A complete file: IR version 8, operator set 17. */
export function encodeModel(graph: Graph): Uint8Array {
  return message(int(1, 8), text(2, "lovage-image-inference"), bytes(7, encodeGraph(graph)), bytes(8, int(2, 17)));
}

const encodeGraph = (graph: Graph): Uint8Array =>
  message(
    ...graph.nodes.map((node) => bytes(1, encodeNode(node))),
    text(2, graph.name),
    ...graph.weights.map((weights) => bytes(5, encodeWeights(weights))),
    ...graph.inputs.map((spec) => bytes(11, encodeSpec(spec))),
    ...graph.outputs.map((spec) => bytes(12, encodeSpec(spec))),
  );

function encodeNode({ op, inputs, output, attributes = {} }: Node): Uint8Array {
  const encoded = Object.entries(attributes).map(([name, value]) => {
    const list = typeof value === "number" ? [int(3, value), int(20, 2)] : [...value.map((each) => int(8, each)), int(20, 7)];
    return bytes(5, message(text(1, name), ...list));
  });
  return message(...inputs.map((name) => text(1, name)), text(2, output), text(3, output), text(4, op), ...encoded);
}

function encodeWeights({ name, dims, values }: Weights): Uint8Array {
  const raw = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) raw.writeFloatLE(value, i * 4);
  return message(...dims.map((dim) => int(1, dim)), int(2, float), text(8, name), bytes(9, raw));
}

function encodeSpec({ name, shape }: TensorSpec): Uint8Array {
  const dims = shape.map((dim) => bytes(1, typeof dim === "number" ? int(1, dim) : text(2, dim)));
  return message(text(1, name), bytes(2, bytes(1, message(int(1, float), bytes(2, message(...dims))))));
}

const float = 1;
const message = (...fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields);
const int = (field: number, value: number): Uint8Array => message(varint(field << 3), varint(value));
const bytes = (field: number, value: Uint8Array): Uint8Array => message(varint((field << 3) | 2), varint(value.length), value);
const text = (field: number, value: string): Uint8Array => bytes(field, Buffer.from(value, "utf8"));

/** Non-negative whole numbers, seven bits a byte, the lowest first. */
function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return Uint8Array.from([...out, rest]);
}
