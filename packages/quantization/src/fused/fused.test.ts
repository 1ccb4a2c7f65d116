import {
  type ActivationKind,
  gatedActivation,
  gatedLinear,
  gatedLinearOp,
  type LinearOptions,
  linear,
  qkvLinear,
  qkvLinearOp,
  rmsNorm,
} from '@tessera-llm/kernels'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createReferenceDevice, type PackedTensor, type Tensor } from '@tessera-llm/tensor'
import { conform, normal, upload, wasmSetups } from '@tessera-llm/testing'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packedGatedProblems, packedQkvProblems, randomBlocks } from '../../test/problems/index.ts'
import { ggmlPackers } from '../index.ts'
import { quantizationWasm } from '../wasm.ts'

const reference = createReferenceDevice()
const isInt8OfOne = ({ options: { activations = 'f32' } }: { readonly options: LinearOptions }): boolean =>
  activations !== 'f32'

describe.each(wasmSetups)('$threads threads, relaxed SIMD $relaxedSimd', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: [...kernelsWasm, ...quantizationWasm], threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  it('projections of one token conform', async () =>
    void (await conform(device, reference, qkvLinearOp, packedQkvProblems(ggmlPackers).filter(isInt8OfOne))))
  it('gated products of one token conform', async () =>
    void (await conform(device, reference, gatedLinearOp, packedGatedProblems(ggmlPackers).filter(isInt8OfOne))))

  const packed = (source: string, rows: number, columns: number, seed: number): PackedTensor => {
    const packer = ggmlPackers.find((candidate) => candidate.source === source && candidate.device === 'wasm')
    if (!packer) throw new Error(`no packer for ${source}`)
    return device.pack(
      packer.format,
      [rows, columns],
      packer.pack(randomBlocks(source, rows, columns, seed), [rows, columns]),
    )
  }
  const bitsOf = async (...tensors: readonly Tensor[]): Promise<readonly unknown[]> =>
    Promise.all(tensors.map((tensor) => device.read(tensor)))

  // Equal and unequal ways to store codes, so that x is rounded once, or anew for the product after.
  it.each([
    ['q4_1', 'q4_1', 'q4_1'],
    ['q4_0', 'q8_0', 'q8_0'],
    ['q6_k', 'iq4_nl', 'q4_k'],
    ['q4_0', 'q5_0', 'q4_0'],
  ])('q, k and v of %s, %s and %s have the bits of the parts', async (first, second, third) => {
    const x = upload(device, normal([1, 1, 512], { scale: 3 })),
      norm = upload(device, normal([512], { seed: 2, mean: 1, scale: 0.2 }))
    const [query, key, value] = [
      packed(first, 75, 512, 3),
      packed(second, 24, 512, 4),
      packed(third, 17, 512, 5),
    ] as const
    const bias = upload(device, normal([24], { seed: 6 }))
    for (const rounding of [
      { activations: 'int8' },
      { activations: 'int8-token' },
      { activations: 'int8-static', inputScale: 0.01 },
      { activations: 'int4-token' },
    ] as const) {
      for (const given of [norm, undefined]) {
        const n = given ? rmsNorm(x, given, { eps: 1e-5, unitOffset: true }) : x
        const { q, k, v } = qkvLinear(
          { x, norm: given, query, key, value, keyBias: bias },
          { eps: 1e-5, unitOffset: true, ...rounding },
        )
        expect(await bitsOf(q, k, v)).toEqual(
          await bitsOf(linear(n, query, rounding), linear(n, key, { ...rounding, bias }), linear(n, value, rounding)),
        )
      }
    }
  })

  it.each(['silu', 'gelu-tanh'] as const)('%s(gate) · up has the bits of the parts', async (kind) => {
    for (const rows of [1, 24, 75, 200]) {
      const x = upload(device, normal([1, 1, 512])),
        norm = upload(device, normal([512], { seed: 2, mean: 1, scale: 0.2 }))
      const [gate, up] = [packed('q4_1', rows, 512, 3), packed('q6_k', rows, 512, 4)] as const
      const n = rmsNorm(x, norm, { eps: 1e-5 })
      const y = gatedLinear({ x, norm, gate, up }, { kind, eps: 1e-5, activations: 'int8' })
      expect(await bitsOf(y)).toEqual(
        await bitsOf(
          gatedActivation(linear(n, gate, { activations: 'int8' }), linear(n, up, { activations: 'int8' }), { kind }),
        ),
      )
    }
  })

  it('several tokens, f32 activations, other weights and functions are left to the parts', () => {
    const weight = packed('q4_0', 8, 64, 3),
      dense = upload(device, normal([8, 64]))
    const reasonOf = (
      tokens: number,
      gate: Tensor | PackedTensor,
      activations: 'f32' | 'int8',
      kind: ActivationKind = 'silu',
    ): string | undefined => {
      const { kernel, reason } = device.explain(
        gatedLinearOp,
        { x: upload(device, normal([tokens, 64])), gate, up: weight },
        { kind, activations },
      )
      return kernel ?? reason
    }
    expect(reasonOf(1, weight, 'int8')).toBe('rows8-int8')
    expect(reasonOf(2, weight, 'int8')).toContain('takes one token, not 2')
    expect(reasonOf(1, weight, 'f32')).toContain('the call asks for f32 activations')
    expect(reasonOf(1, dense, 'int8')).toContain('the weight is dense')
    expect(reasonOf(1, weight, 'int8', 'relu')).toContain('takes silu and gelu-tanh, not relu')
  })
})
