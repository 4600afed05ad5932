/**
 * Writes ONNX files by hand: a protobuf message is a row of fields, each a key (number and wire type), and a varint or
 * a length and bytes. Only the fields a float network needs. Field numbers: dependencies.md §6, onnx.proto3.
 */

type Bytes = Uint8Array;

const varint = (value: number): Bytes => {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(out);
};

const join = (parts: readonly Bytes[]): Bytes => Buffer.concat(parts);
const int = (field: number, value: number): Bytes => join([varint(field << 3), varint(value)]);
const bytes = (field: number, value: Bytes): Bytes => join([varint((field << 3) | 2), varint(value.length), value]);
const text = (field: number, value: string): Bytes => bytes(field, Buffer.from(value, "utf8"));

const FLOAT = 1;

export interface TensorSpec {
  readonly name: string;
  /** A string is a free dimension of that name. */
  readonly shape: readonly (number | string)[];
}

export interface Weights {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: ArrayLike<number>;
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Integers or lists of integers. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly weights: readonly Weights[];
  readonly nodes: readonly Node[];
}

/** A complete .onnx file: IR version 8, operator set 17. */
export function encodeModel(graph: Graph, producer: string, notes: string): Uint8Array {
  const opset = int(2, 17);
  return join([int(1, 8), text(2, producer), text(6, notes), bytes(7, encodeGraph(graph)), bytes(8, opset)]);
}

function encodeGraph(graph: Graph): Bytes {
  return join([
    ...graph.nodes.map((node, i) => bytes(1, encodeNode(node, i))),
    text(2, graph.name),
    ...graph.weights.map((w) => bytes(5, encodeTensor(w))),
    ...graph.inputs.map((t) => bytes(11, encodeValue(t))),
    ...graph.outputs.map((t) => bytes(12, encodeValue(t))),
  ]);
}

function encodeNode(node: Node, index: number): Bytes {
  const attributes = Object.entries(node.attributes ?? {}).map(([name, value]) => {
    // AttributeProto: name 1, i 3, ints 8, type 20 (INT 2, INTS 7).
    if (typeof value === "number") return bytes(5, join([text(1, name), int(3, value), int(20, 2)]));
    return bytes(5, join([text(1, name), ...value.map((v) => int(8, v)), int(20, 7)]));
  });
  return join([
    ...node.inputs.map((n) => text(1, n)),
    text(2, node.output),
    text(3, `${node.op}_${index}`),
    text(4, node.op),
    ...attributes,
  ]);
}

function encodeTensor({ name, dims, values }: Weights): Bytes {
  const raw = Buffer.alloc(values.length * 4);
  for (let i = 0; i < values.length; i++) raw.writeFloatLE(values[i] as number, i * 4);
  return join([...dims.map((d) => int(1, d)), int(2, FLOAT), text(8, name), bytes(9, raw)]);
}

function encodeValue({ name, shape }: TensorSpec): Bytes {
  // ValueInfoProto: name 1, type 2 > tensor_type 1 > elem_type 1, shape 2 > dim 1 > dim_value 1 or dim_param 2.
  const dims = shape.map((d) => bytes(1, typeof d === "number" ? int(1, d) : text(2, d)));
  return join([text(1, name), bytes(2, bytes(1, join([int(1, FLOAT), bytes(2, join(dims))])))]);
}
