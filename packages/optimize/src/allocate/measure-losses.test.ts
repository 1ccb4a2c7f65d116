import { readFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { bufferSource, readGguf } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createWasmMultiply } from '@tessera-llm/quantization/wasm'
import { createTokenizerFromGguf, llamaFamily } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isBlockLinear } from '../names/index.ts'
import { type DecoderSubject, subjectOf } from '../subject/index.ts'
import { measureLosses, type WeightLosses } from './index.ts'

let device: Device
let subject: DecoderSubject
let windows: readonly (readonly number[])[]
beforeAll(async () => {
  device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm], threads: 1 })
  const checkpoint = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
  subject = subjectOf(checkpoint, { families: [llamaFamily] }) as DecoderSubject
  const ids = createTokenizerFromGguf(checkpoint.metadata).encode(
    'The President of the United States is the head of the Government, and the whale was a great fish of the sea. '.repeat(
      8,
    ),
    { addSpecial: false },
  )
  windows = [ids.slice(0, 64), ids.slice(64, 128)]
})
afterAll(() => device?.dispose())

const int = (bits: 2 | 3 | 4) => ({ bits, group: 32, symmetric: true }) as const

test('what is predicted from the measurement at 4 bits has the order of what is measured at 3, and nothing is left behind', async () => {
  const names = [...subject.weights.keys()].filter(
    (name) => (isBlockLinear(name) && /\.[135]\./.test(name)) || name === 'embedding',
  )
  const formats = new Map(names.map((name) => [name, [int(4), int(3), 'f32'] as const]))
  const solver = { multiply: await createWasmMultiply() }
  const measure = (bits: 3 | 4): Promise<readonly WeightLosses[]> =>
    measureLosses(subject, {
      device,
      windows: windows.slice(1),
      probes: windows.slice(0, 1),
      words: 4096,
      bits,
      formats,
      method: 'rtn',
      tokens: 128,
      solver,
    })
  const [four, three] = [await measure(4), await measure(3)]
  expect(device.memory().liveTensors).toBe(0)
  expect(four.map(({ name }) => name).sort()).toEqual([...names].sort())
  for (const { name, measured, predicted } of four) {
    expect(predicted[0], name).toBeCloseTo(measured, 12)
    expect(predicted[2], name).toBe(0)
  }
  const predicted = four.map((each) => each.predicted[1] as number)
  const measured = three.map((each) => each.measured)
  expect(spearman(predicted, measured)).toBeGreaterThan(0.9)
  // The law is quadratic: the geometric mean of the ratios is near one.
  const quotient = Math.exp(
    predicted.reduce((sum, value, index) => sum + Math.log(value / (measured[index] as number)), 0) / predicted.length,
  )
  expect(quotient).toBeGreaterThan(0.7)
  expect(quotient).toBeLessThan(1.4)
})

test('what GPTQ will round is measured on what GPTQ rounds, which loses less, and an embedding to nearest', async () => {
  const names = [...subject.weights.keys()].filter((name) => name.startsWith('layers.3.') && isBlockLinear(name))
  const solver = { multiply: await createWasmMultiply() }
  const measure = (method: 'gptq' | 'rtn'): Promise<readonly WeightLosses[]> =>
    measureLosses(subject, {
      device,
      windows: windows.slice(1),
      probes: windows.slice(0, 1),
      words: 4096,
      bits: 3,
      formats: new Map([...names, 'embedding'].map((name) => [name, [int(3), int(4)] as const])),
      method,
      tokens: 64,
      solver,
    })
  const [swept, nearest] = [await measure('gptq'), await measure('rtn')]
  const totalOf = (losses: readonly WeightLosses[]): number =>
    losses.reduce((sum, { name, measured }) => sum + (name === 'embedding' ? 0 : measured), 0)
  expect(totalOf(swept) / totalOf(nearest)).toBeLessThan(0.8)
  expect(swept.find(({ name }) => name === 'embedding')).toEqual(nearest.find(({ name }) => name === 'embedding'))
  for (const { name, measured, runs, predicted } of swept) {
    expect(runs).toHaveLength(8)
    expect(runs.reduce((sum, run) => sum + run, 0) / 8, name).toBeCloseTo(measured, 12)
    expect((predicted[0] as number) / measured, name).toBeCloseTo(1, 12)
    // Each bit divides the squared error by four, and the search for scales reduces it a little further.
    expect((predicted[1] as number) / measured, name).toBeGreaterThan(0.12)
    expect((predicted[1] as number) / measured, name).toBeLessThan(0.35)
  }
  expect(device.memory().liveTensors).toBe(0)
})

/** Rank correlation. */
function spearman(a: readonly number[], b: readonly number[]): number {
  const ranks = (values: readonly number[]): number[] =>
    values.map((value) => values.filter((other) => other < value).length)
  const [x, y] = [ranks(a), ranks(b)]
  const middle = (a.length - 1) / 2
  const product = (u: readonly number[], v: readonly number[]): number =>
    u.reduce((sum, value, index) => sum + (value - middle) * ((v[index] as number) - middle), 0)
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y))
}
