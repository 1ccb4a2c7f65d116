import type { DType, Shape, Tensor } from '@tessera-llm/tensor'
import type { WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AttentionBackwardInputs, attentionBackwardOp, type AttentionOptions } from '../src/index.ts'
import { createBaseDevice } from './support/base-webgpu.ts'

let base: WebGpuDevice
beforeAll(async () => {
  base = await createBaseDevice()
})
afterAll(() => base.dispose())

type Side = Partial<
  Record<Exclude<keyof AttentionBackwardInputs, 'q' | 'k' | 'v' | 'o' | 'lse' | 'do'>, readonly [Shape, DType]>
>
interface Variant {
  readonly headDim?: number
  readonly valueDim?: number
  readonly dtype?: DType
  readonly side?: Side
  readonly options?: AttentionOptions
}

/** Compiles the variant; false where the kernel says that the device has too few bindings. */
async function compiles(
  { headDim = 16, valueDim = headDim, dtype = 'f32', side = {}, options = { isCausal: true } }: Variant,
  kernel: 'flash' | 'plain' = 'flash',
): Promise<boolean> {
  const made: Tensor[] = []
  const make = (shape: Shape, type: DType): Tensor => {
    const tensor = base.empty(shape, type)
    made.push(tensor)
    return tensor
  }
  const inputs = {
    q: make([1, 2, 3, headDim], 'f32'),
    k: make([1, 1, 70, headDim], dtype),
    v: make([1, 1, 70, valueDim], dtype),
    o: make([1, 2, 3, valueDim], 'f32'),
    do: make([1, 2, 3, valueDim], 'f32'),
    lse: make([1, 2, 3], 'f32'),
    ...Object.fromEntries(Object.entries(side).map(([name, [shape, type]]) => [name, make(shape, type)])),
  }
  try {
    const { kernel: found, reason } = base.explain(attentionBackwardOp, inputs, options, { kernel })
    if (found === undefined) {
      expect(reason).toMatch(/binds \d+ tensors for these options, this GPU takes 8/)
      return false
    }
    expect(await base.webgpu.prepare(() => base.run(attentionBackwardOp, inputs, options, { kernel }))).toBeGreaterThan(
      0,
    )
    return true
  } finally {
    for (const tensor of made) tensor.dispose()
  }
}

test('the backward pass compiles for every head size and storage, within the base limits', async () => {
  for (const headDim of [1, 8, 33, 64, 80, 128, 256, 512]) {
    for (const dtype of ['f32', 'f16'] as const)
      for (const valueDim of [headDim, headDim + 3]) {
        expect(await compiles({ headDim, valueDim, dtype })).toBe(true)
        if (headDim !== 512) expect(await compiles({ headDim, valueDim, dtype }, 'plain')).toBe(true)
      }
  }
})

const sides: readonly (readonly [keyof Side, readonly [Shape, DType]])[] = [
  ['sinks', [[2], 'f32']],
  ['dlse', [[1, 2, 3], 'f32']],
  ['alibiSlopes', [[2], 'f32']],
  ['bias', [[1, 2, 3, 70], 'f32']],
  ['mask', [[1, 1, 1, 70], 'u8']],
]
const sequences: readonly Side[] = [
  {},
  { kvLengths: [[1], 'i32'] },
  { cuSeqLens: [[3], 'i32'], cuSeqLensKv: [[3], 'i32'] },
]

test('it compiles with every set of options that needs no more than 8 bindings: two inputs beside the sinks and the gradient of the LSE', async () => {
  for (const sequence of sequences) {
    for (let set = 0; set < 2 ** sides.length; set++) {
      const side: Side = { ...sequence, ...Object.fromEntries(sides.filter((_, bit) => (set >> bit) & 1)) }
      const inEveryPass = Object.keys(side).filter((name) => name !== 'sinks' && name !== 'dlse').length
      for (const softcap of [undefined, 30])
        expect(await compiles({ side, options: { softcap, isCausal: true } })).toBe(inEveryPass <= 2)
    }
  }
})
