import { createReferenceDevice, type Tensor } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import {
  gatedActivation,
  gatedLinear,
  type GatedLinearInputs,
  linear,
  qkvLinear,
  type QkvLinearInputs,
  rmsNorm,
} from '../src/index.ts'
import { fusedConformance } from './cases/fused.ts'

const device = createReferenceDevice()
const matrix = (rows: number, columns: number, seed: number): Tensor =>
  device.tensor(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(seed + 1.7 * i)),
    [rows, columns],
  )
const [x, query, key, up] = [matrix(2, 6, 1), matrix(4, 6, 2), matrix(3, 6, 3), matrix(4, 6, 4)] as [
  Tensor,
  Tensor,
  Tensor,
  Tensor,
]
const norm = device.tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [6])
const bias = device.tensor(Float32Array.of(1, 2, 3), [3])

test.for(fusedConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), device),
)

test('the fused ops are their parts', async () => {
  const normed = rmsNorm(x, norm, { eps: 1e-3 })
  const { q, k, v } = qkvLinear({ x, norm, query, key, value: key, valueBias: bias }, { eps: 1e-3 })
  expect(await device.read(q)).toEqual(await device.read(linear(normed, query)))
  expect(await device.read(k)).toEqual(await device.read(linear(normed, key)))
  expect(await device.read(v)).toEqual(await device.read(linear(normed, key, { bias })))
  const offset = rmsNorm(x, norm, { eps: 1e-3, unitOffset: true })
  expect(
    await device.read(gatedLinear({ x, norm, gate: query, up }, { kind: 'silu', eps: 1e-3, unitOffset: true })),
  ).toEqual(await device.read(gatedActivation(linear(offset, query), linear(offset, up), { kind: 'silu' })))
})

test.for<[string, () => unknown, string]>([
  [
    'invalid-option',
    () => qkvLinear({ x, norm, query, key, value: key }),
    'qkv-linear: a norm needs an eps that is 0 or positive, not undefined',
  ],
  [
    'invalid-shape',
    () => qkvLinear({ x, query: matrix(4, 5, 1), key, value: key }),
    'qkv-linear: the last axis of x [2, 6] must equal the second of query [4, 5]',
  ],
  [
    'invalid-shape',
    () => qkvLinear({ x, query, key, value: key, queryBias: bias }),
    'qkv-linear: queryBias must have shape [4], not [3]',
  ],
  [
    'invalid-shape',
    () => qkvLinear({ x, norm: bias, query, key, value: key } satisfies QkvLinearInputs, { eps: 1 }),
    'qkv-linear: norm must have shape [6], not [3]',
  ],
  [
    'invalid-option',
    () => qkvLinear({ x, query, key, value: key }, { activations: 'int4' as 'int8' }),
    'activations must be one of f32, int8, int8-token, int8-static, int4-token, not "int4"',
  ],
  [
    'invalid-shape',
    () => gatedLinear({ x, gate: query, up: key } satisfies GatedLinearInputs, { kind: 'silu' }),
    'gated-linear: gate [4, 6] and up [3, 6] must have equal shapes',
  ],
  [
    'invalid-option',
    () => gatedLinear({ x, gate: query, up }, { kind: 'glu' as 'silu' }),
    'gated-linear: kind must be one of',
  ],
])('%s %#', ([code, call, message]) => {
  expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
})
