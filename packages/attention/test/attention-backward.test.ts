import {
  createReferenceDevice,
  describeProblem,
  type DType,
  type HostTensor,
  type InputSpecs,
  type Shape,
  sizeOf,
  type Tensor,
} from '@tessera-llm/tensor'
import { normal, upload, valuesOf } from '@tessera-llm/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  alibiSlopes,
  attention,
  type AttentionBackwardInputs,
  attentionBackward,
  type AttentionBackwardCall,
  attentionBackwardOp,
  type AttentionInputs,
  attentionOp,
  type AttentionOptions,
} from '../src/index.ts'
import { backwardGolden } from './cases/attention-backward.ts'

const device = createReferenceDevice()
const tensor = (shape: Shape, dtype: DType = 'f32'): Tensor => upload(device, normal(shape, { dtype }))

test('all 51 cases of the golden are there', () => {
  expect(backwardGolden.length).toBe(51)
})

test.for(backwardGolden)('the reference gives the gradients of the golden $name', (golden) =>
  golden.run(device, device),
)

const shapes = {
  q: [2, 4, 3, 8],
  k: [2, 2, 5, 8],
  v: [2, 2, 5, 6],
  o: [2, 4, 3, 6],
  lse: [2, 4, 3],
  do: [2, 4, 3, 6],
} as const
const given = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => [name, tensor(shape)]),
) as unknown as AttentionBackwardInputs

test.for<[string, Partial<AttentionBackwardInputs>, AttentionBackwardCall, string, RegExp]>([
  [
    'o of another value size',
    { o: tensor([2, 4, 3, 8]) },
    {},
    'invalid-shape',
    /attention-backward: o must be \[2, 4, 3, 6\], not \[2, 4, 3, 8\]/,
  ],
  [
    'do of another layout',
    { do: tensor([2, 3, 4, 6]) },
    {},
    'invalid-shape',
    /do must be \[2, 4, 3, 6\], not \[2, 3, 4, 6\]/,
  ],
  ['an LSE of other rows', { lse: tensor([2, 4, 5]) }, {}, 'invalid-shape', /lse must be \[2, 4, 3\]/],
  ['do in f16', { do: tensor([2, 4, 3, 6], 'f16') }, {}, 'invalid-dtype', /do must be f32, not f16/],
  ['dlse in f16', {}, { dlse: tensor([2, 4, 3], 'f16') }, 'invalid-dtype', /dlse must be f32, not f16/],
  ['what attention refuses', { v: tensor([2, 1, 5, 6]) }, {}, 'invalid-shape', /same heads and length/],
])('refuses %s', ([, change, call, code, message]) => {
  expect(() => attentionBackward({ ...given, ...change }, call)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  )
})

test('the cost counts five products of the visible pairs', () => {
  const dense = (shape: Shape) => ({ kind: 'dense', dtype: 'f32', shape }) as const
  const inputs = {
    q: dense([1, 2, 4, 8]),
    k: dense([1, 1, 6, 8]),
    v: dense([1, 1, 6, 8]),
    o: dense([1, 2, 4, 8]),
    do: dense([1, 2, 4, 8]),
    lse: dense([1, 2, 4]),
  }
  expect(attentionBackwardOp.cost(describeProblem(attentionBackwardOp, inputs, { isCausal: true })).flops).toBe(
    2 * 2 * (3 + 4 + 5 + 6) * 5 * 8,
  )
})

test('the backward rule of attention hands its inputs on, and gives gradients by sinks where there are some', async () => {
  const { q, k, v } = { q: tensor([1, 2, 3, 4]), k: tensor([1, 1, 5, 4]), v: tensor([1, 1, 5, 4]) }
  const sinks = tensor([2])
  const outputs = attention(q, k, v, { isCausal: true, sinks })
  const [o, lse] = [tensor([1, 2, 3, 4]), tensor([1, 2, 3])]
  const rule = (gradients: { readonly o: Tensor | undefined; readonly lse: Tensor | undefined }) =>
    attentionOp.vjp?.({ inputs: { q, k, v, sinks }, outputs, options: { isCausal: true }, gradients }) as Readonly<
      Record<string, Tensor>
    >
  const direct = attentionBackward({ q, k, v, ...outputs, do: o }, { isCausal: true, sinks, dlse: lse })
  const both = rule({ o, lse })
  expect(Object.keys(both)).toEqual(['q', 'k', 'v', 'sinks'])
  for (const [name, gradient] of Object.entries({
    q: direct.dq,
    k: direct.dk,
    v: direct.dv,
    sinks: direct.dsinks as Tensor,
  }))
    expect(await valuesOf(both[name] as Tensor)).toEqual(await valuesOf(gradient))
  // A loss of the LSE alone: no gradient by v.
  expect(Array.from(await valuesOf(rule({ o: undefined, lse })['v'] as Tensor), Math.abs)).toEqual(
    new Array(20).fill(0),
  )
  expect(rule({ o: undefined, lse: undefined })).toEqual({})
})

test('the backward rule says what it needs', () => {
  const { q, k, v } = { q: tensor([1, 2, 3, 4]), k: tensor([1, 1, 5, 4]), v: tensor([1, 1, 5, 4]) }
  const outputs = attention(q, k, v, { returnLse: false })
  const rule = (inputs: AttentionInputs) =>
    attentionOp.vjp?.({ inputs, outputs, options: {}, gradients: { o: outputs.o, lse: undefined } })
  expect(() => rule({ q, k, v })).toThrow(
    expect.objectContaining({
      code: 'invalid-option',
      message: expect.stringMatching(/returnLse is false, but the backward pass needs the LSE/),
    }),
  )
  expect(() => rule({ q, k, v, blockTable: tensor([1, 1], 'i32') })).toThrow(/in pages \(blockTable\) have no gradient/)
})

const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const calls = fc.record({
  kvHeads: fc.integer({ min: 1, max: 2 }),
  group: fc.integer({ min: 1, max: 3 }),
  rows: fc.integer({ min: 1, max: 5 }),
  keys: fc.integer({ min: 1, max: 6 }),
  headDim: fc.integer({ min: 1, max: 4 }),
  valueDim: fc.integer({ min: 1, max: 4 }),
  isCausal: fc.boolean(),
  windowLeft: some(fc.integer({ min: 0, max: 3 })),
  softcap: some(fc.double({ min: 0.5, max: 5, noNaN: true })),
  scale: some(fc.double({ min: -1.5, max: 1.5, noNaN: true })),
  hasSinks: fc.boolean(),
  hasAlibi: fc.boolean(),
  hasBias: fc.boolean(),
  hasMask: fc.boolean(),
  layout: fc.constantFrom('bhld' as const, 'blhd' as const),
  seed: fc.integer({ min: 1, max: 1e6 }),
})

test('gradients are the differences of the loss', () => {
  fc.assert(
    fc.property(
      calls,
      ({
        kvHeads,
        group,
        rows,
        keys,
        headDim,
        valueDim,
        hasSinks,
        hasAlibi,
        hasBias,
        hasMask,
        seed,
        layout,
        ...rest
      }) => {
        const heads = kvHeads * group
        const random = (shape: Shape, salt: number): HostTensor => ({
          dtype: 'f32',
          shape,
          data: Float64Array.from(normal(shape, { seed: seed + salt }).data as Float32Array),
        })
        const axes = (count: number, length: number, width: number): Shape =>
          layout === 'bhld' ? [1, count, length, width] : [1, length, count, width]
        const inputs: Record<string, HostTensor | undefined> = {
          q: random(axes(heads, rows, headDim), 1),
          k: random(axes(kvHeads, keys, headDim), 2),
          v: random(axes(kvHeads, keys, valueDim), 3),
          sinks: hasSinks ? random([heads], 4) : undefined,
          alibiSlopes: hasAlibi
            ? { dtype: 'f32', shape: [heads], data: Float64Array.from(alibiSlopes(heads)) }
            : undefined,
          bias: hasBias ? random([1, heads, 1, keys], 5) : undefined,
          mask: hasMask
            ? {
                dtype: 'u8',
                shape: [1, 1, rows, keys],
                data: random([rows * keys], 6).data.map((value) => (value > -0.7 ? 1 : 0)),
              }
            : undefined,
        }
        const options: AttentionOptions = { layout, ...rest }
        const specs = (all: Readonly<Record<string, HostTensor | undefined>>) =>
          Object.fromEntries(
            Object.entries(all).map(([name, value]) => [
              name,
              value && { kind: 'dense', dtype: value.dtype, shape: value.shape },
            ]),
          )
        const forward = (changed: typeof inputs) =>
          attentionOp.reference(
            changed as never,
            options,
            describeProblem(attentionOp, specs(changed) as InputSpecs<AttentionInputs>, options),
          )
        const { o, lse = new Float64Array() } = forward(inputs)
        const [gradient, lseGradient] = [random(axes(heads, rows, valueDim), 7), random([1, heads, rows], 8)]
        const loss = (changed: typeof inputs): number => {
          const outputs = forward(changed)
          let sum = 0
          for (const [i, value] of outputs.o.entries()) sum += value * (gradient.data[i] as number)
          for (const [i, value] of (outputs.lse ?? new Float64Array()).entries())
            if (Number.isFinite(value)) sum += value * (lseGradient.data[i] as number)
          return sum
        }
        const all = {
          ...inputs,
          o: { dtype: 'f32' as const, shape: gradient.shape, data: o },
          lse: { dtype: 'f32' as const, shape: lseGradient.shape, data: lse },
          do: gradient,
          dlse: lseGradient,
        }
        const gradients = attentionBackwardOp.reference(
          all as never,
          options,
          describeProblem(attentionBackwardOp, specs(all) as InputSpecs<AttentionBackwardInputs>, options),
        ) as Readonly<Record<string, Float64Array>>
        for (const name of ['q', 'k', 'v', ...(hasSinks ? ['sinks'] : [])]) {
          const at = inputs[name] as HostTensor
          const direction = random(at.shape, 9).data
          const step = 1e-4
          const moved = (by: number) =>
            loss({
              ...inputs,
              [name]: { ...at, data: at.data.map((value, i) => value + by * (direction[i] as number)) },
            })
          const predicted = direction.reduce((sum, value, i) => sum + value * (gradients[`d${name}`]?.[i] as number), 0)
          const scale =
            Math.sqrt(sizeOf(at.shape)) * (1 + Math.max(...(gradients[`d${name}`] as Float64Array).map(Math.abs)))
          expect(
            Math.abs((moved(step) - moved(-step)) / (2 * step) - predicted) / scale,
            `${name}: ${predicted}`,
          ).toBeLessThan(1e-5)
        }
      },
    ),
    { numRuns: 150 },
  )
})
