import { describe, expect, it } from 'vitest'
import { inputF32, type MatmulWorkload, weightI8, weightScale, weightU4 } from '../workload/index.ts'
import { encodeOnnxModel } from './encode.ts'
import { matmulGraph, matmulInput } from './matmul-graph.ts'

/** Reads protocol buffers without knowing any message: `[field, number or bytes]`. */
function fieldsOf(bytes: Uint8Array): readonly (readonly [number, number | Uint8Array])[] {
  const out: (readonly [number, number | Uint8Array])[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] as number
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    if (key % 8 === 0) out.push([key >> 3, varint()])
    else {
      expect(key % 8).toBe(2)
      const length = varint()
      out.push([key >> 3, bytes.subarray(at, at + length)])
      at += length
    }
  }
  expect(at).toBe(bytes.length)
  return out
}
const all = (bytes: Uint8Array, field: number): readonly (number | Uint8Array)[] =>
  fieldsOf(bytes)
    .filter(([number]) => number === field)
    .map(([, value]) => value)
const inside = (bytes: Uint8Array, ...path: readonly number[]): Uint8Array =>
  path.reduce((message, field) => all(message, field)[0] as Uint8Array, bytes)
const text = (value: unknown): string => new TextDecoder().decode(value as Uint8Array)

const workload = (kind: MatmulWorkload['kind'], matrices: number): MatmulWorkload => ({
  kind,
  id: 'x',
  title: 'x',
  threads: 1,
  metrics: [],
  m: 2,
  k: 64,
  n: 3,
  matrices,
})

describe('encodeOnnxModel', () => {
  const model = encodeOnnxModel(matmulGraph(workload('gemv-4bit', 2)))
  const graph = inside(model, 7)

  it('names its version and both operator sets', () => {
    expect(all(model, 1)).toEqual([10])
    expect(all(model, 8).map((set) => [text(inside(set as Uint8Array, 1)), all(set as Uint8Array, 2)[0]])).toEqual([
      ['', 21],
      ['com.microsoft', 1],
    ])
  })

  it('has a node for each matrix with its attributes', () => {
    const nodes = all(graph, 1) as readonly Uint8Array[]
    expect(nodes.map((node) => text(inside(node, 4)))).toEqual(['MatMulNBits', 'MatMulNBits', 'Sum'])
    expect(all(nodes[2] as Uint8Array, 1).map(text)).toEqual(['y0', 'y1'])
    const node = nodes[1] as Uint8Array
    expect(all(node, 1).map(text)).toEqual(['x', 'w1', 's1'])
    expect([...all(node, 2), ...all(node, 4), ...all(node, 7)].map(text)).toEqual([
      'y1',
      'MatMulNBits',
      'com.microsoft',
    ])
    const attributes = (all(node, 5) as readonly Uint8Array[]).map((attribute) => [
      text(inside(attribute, 1)),
      all(attribute, 3)[0],
      all(attribute, 20)[0],
    ])
    expect(attributes).toEqual([
      ['K', 64, 2],
      ['N', 3, 2],
      ['bits', 4, 2],
      ['block_size', 32, 2],
      ['accuracy_level', 4, 2],
    ])
  })

  it('packs two weights a byte, the even one low, and gives each block its scale', () => {
    const [weight, scales] = all(graph, 5).slice(2) as readonly Uint8Array[]
    expect(all(weight as Uint8Array, 1)).toEqual([3, 2, 16])
    expect(all(weight as Uint8Array, 2)).toEqual([2])
    const w = workload('gemv-4bit', 2)
    const bytes = inside(weight as Uint8Array, 9)
    expect(bytes).toHaveLength(3 * 32)
    expect([(bytes[2 * 32 + 5] as number) & 15, (bytes[2 * 32 + 5] as number) >> 4]).toEqual([
      weightU4(w, 1, 10, 2),
      weightU4(w, 1, 11, 2),
    ])
    expect(all(scales as Uint8Array, 1)).toEqual([6])
    expect(new Float32Array(inside(scales as Uint8Array, 9).slice().buffer)[2 * 2 + 1]).toBe(weightScale(w, 1, 1, 2))
  })

  it('states shape and type of what goes in and comes out', () => {
    const shapeOf = (value: Uint8Array): readonly unknown[] => [
      text(inside(value, 1)),
      all(inside(value, 2, 1), 1)[0],
      ...all(inside(value, 2, 1, 2), 1).map((dimension) => all(dimension as Uint8Array, 1)[0]),
    ]
    expect((all(graph, 11) as readonly Uint8Array[]).map(shapeOf)).toEqual([['x', 1, 2, 64]])
    expect((all(graph, 12) as readonly Uint8Array[]).map(shapeOf)).toEqual([['y', 1, 2, 3]])
  })

  it('lays int8 weights out as [K, N] and names the output of a single matrix y', () => {
    const w = workload('gemm-int8', 1)
    const only = inside(encodeOnnxModel(matmulGraph(w)), 7)
    expect(all(inside(only, 1), 2).map(text)).toEqual(['y'])
    const tensor = all(only, 5)[0] as Uint8Array
    expect(all(tensor, 1)).toEqual([64, 3])
    expect(all(tensor, 2)).toEqual([3])
    expect(new Int8Array(inside(tensor, 9).slice().buffer)[7 * 3 + 2]).toBe(weightI8(w, 0, 7, 2))
    expect(matmulInput(w)[64 + 7]).toBe(inputF32(w, 1, 7))
  })
})
