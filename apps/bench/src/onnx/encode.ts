/**
 * Protocol buffers for the few fields of onnx.proto (ONNX 1.16, opset 21) that graphs of matrix products, attention,
 * single operators and encoders need.
 */

export type OnnxType = 'f32' | 'u8' | 'i8' | 'i32' | 'i64'
const typeNumbers: Readonly<Record<OnnxType, number>> = { f32: 1, u8: 2, i8: 3, i32: 6, i64: 7 }

export interface OnnxTensor {
  readonly name: string
  readonly type: OnnxType
  readonly shape: readonly number[]
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array
}
export interface OnnxValue {
  readonly name: string
  readonly type: OnnxType
  /** A name means a size that each run may choose; omitted if it follows from the nodes. */
  readonly shape?: readonly (number | string)[]
}
export interface OnnxNode {
  readonly operator: string
  /** Empty for the standard operators. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly integers: Readonly<Record<string, number>>
  readonly floats?: Readonly<Record<string, number>>
}
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

type Part = Uint8Array | readonly number[]

function varint(value: number): readonly number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return [...bytes, rest]
}

const lengthOf = (parts: readonly Part[]): number => parts.reduce((sum, part) => sum + part.length, 0)
const integer = (field: number, value: number): readonly Part[] => [[...varint(field * 8), ...varint(value)]]
const bytes = (field: number, content: Uint8Array): readonly Part[] => [
  [...varint(field * 8 + 2), ...varint(content.length)],
  content,
]
const text = (field: number, content: string): readonly Part[] => bytes(field, new TextEncoder().encode(content))
const float = (field: number, value: number): readonly Part[] => [
  [...varint(field * 8 + 5)],
  new Uint8Array(Float32Array.of(value).buffer),
]
const message = (field: number, parts: readonly Part[]): readonly Part[] => [
  [...varint(field * 8 + 2), ...varint(lengthOf(parts))],
  ...parts,
]

/** Operator sets: the standard one, and ONNX Runtime's, which has the products with 4-bit weights. */
const operatorSets = [
  { domain: '', version: 21 },
  { domain: 'com.microsoft', version: 1 },
]
const irVersion = 10
const attributeIsFloat = 1
const attributeIsInteger = 2

export function encodeOnnxModel(graph: OnnxGraph): Uint8Array<ArrayBuffer> {
  const parts = [
    ...integer(1, irVersion),
    ...message(7, [
      ...graph.nodes.flatMap((node) => message(1, nodeParts(node))),
      ...text(2, 'bench'),
      ...graph.initializers.flatMap(({ name, type, shape, bytes: content }) =>
        message(5, [
          ...shape.flatMap((size) => integer(1, size)),
          ...integer(2, typeNumbers[type]),
          ...text(8, name),
          ...bytes(9, content),
        ]),
      ),
      ...graph.inputs.flatMap((value) => message(11, valueParts(value))),
      ...graph.outputs.flatMap((value) => message(12, valueParts(value))),
    ]),
    ...operatorSets.flatMap(({ domain, version }) => message(8, [...text(1, domain), ...integer(2, version)])),
  ]
  const out = new Uint8Array(lengthOf(parts))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function nodeParts({ operator, domain, inputs, outputs, integers, floats = {} }: OnnxNode): readonly Part[] {
  return [
    // An empty name is an absent optional input.
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(4, operator),
    ...Object.entries(integers).flatMap(([name, value]) =>
      message(5, [...text(1, name), ...integer(3, value), ...integer(20, attributeIsInteger)]),
    ),
    ...Object.entries(floats).flatMap(([name, value]) =>
      message(5, [...text(1, name), ...float(2, value), ...integer(20, attributeIsFloat)]),
    ),
    ...text(7, domain),
  ]
}

function valueParts({ name, type, shape }: OnnxValue): readonly Part[] {
  const dimensions = shape?.flatMap((size) => message(1, typeof size === 'number' ? integer(1, size) : text(2, size)))
  return [
    ...text(1, name),
    ...message(2, message(1, [...integer(1, typeNumbers[type]), ...(dimensions ? message(2, dimensions) : [])])),
  ]
}
