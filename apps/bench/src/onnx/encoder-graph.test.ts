import { readFileSync } from 'node:fs'
import { bufferSource, readSafetensors } from '@tessera-llm/formats'
import type { Fields } from '@tessera-llm/runtime'
import { expect, test } from 'vitest'
import { encodeOnnxModel } from './encode.ts'
import { encoderGraph } from './encoder-graph.ts'

const golden = (file: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(
    readFileSync(new URL(`../../../../packages/runtime/test/golden/architectures/bert/${file}`, import.meta.url)),
  )
const checkpoint = await readSafetensors(bufferSource(golden('model.safetensors')))
const config = JSON.parse(new TextDecoder().decode(golden('config.json'))) as Fields

test.each(['f32', 'int8'] as const)(
  '%s: every input of a node is there before it, and the file names its parts',
  async (precision) => {
    const graph = await encoderGraph(checkpoint, config, precision)
    const known = new Set(['', ...graph.inputs.map(({ name }) => name), ...graph.initializers.map(({ name }) => name)])
    expect(graph.initializers).toHaveLength(known.size - 1 - graph.inputs.length)
    for (const { inputs, outputs } of graph.nodes) {
      for (const name of inputs) expect(known.has(name), name).toBe(true)
      for (const name of outputs) known.add(name)
    }
    expect(known.has('pooled')).toBe(true)
    const products = graph.nodes.filter(
      ({ operator }) => operator === (precision === 'int8' ? 'MatMulIntegerToFloat' : 'MatMul'),
    )
    expect(products).toHaveLength(precision === 'int8' ? 12 : 13)
    const file = Buffer.from(encodeOnnxModel(graph))
    for (const text of ['MultiHeadAttention', 'epsilon', 'BiasGelu']) expect(file.includes(text), text).toBe(true)
    // AttributeProto epsilon: field 2, four bytes.
    expect(
      file.includes(
        Buffer.concat([
          Buffer.from([10, 7]),
          Buffer.from('epsilon'),
          Buffer.from([21]),
          Buffer.from(Float32Array.of(1e-3).buffer),
          Buffer.from([160, 1, 1]),
        ]),
      ),
    ).toBe(true)
  },
)

test('8-bit weights lie as [inputs, outputs] around zero, with a scale an output', async () => {
  const { initializers } = await encoderGraph(checkpoint, config, 'int8')
  const find = (name: string) =>
    initializers.find((each) => each.name === name) as NonNullable<(typeof initializers)[number]>
  const weight = find('encoder.layer.1.intermediate.dense.weight')
  expect([weight.type, weight.shape]).toEqual(['i8', [48, 64]])
  const scales = new Float32Array(find('encoder.layer.1.intermediate.dense.scale').bytes.slice().buffer)
  const stored = await checkpoint.tensors.get('encoder.layer.1.intermediate.dense.weight')?.read()
  const values = new Float32Array((stored ?? new Uint8Array()).slice().buffer)
  for (const [row, column] of [
    [0, 0],
    [3, 47],
    [63, 5],
  ] as const) {
    const code = new Int8Array(weight.bytes.slice().buffer)[column * 64 + row] as number
    expect(Math.abs(code * (scales[row] as number) - (values[row * 48 + column] as number))).toBeLessThanOrEqual(
      (scales[row] as number) * 0.6,
    )
  }
})
