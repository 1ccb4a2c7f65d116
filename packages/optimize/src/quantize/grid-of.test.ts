import { codeBits, createPlainMultiply } from '@tessera-llm/quantization'
import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { deserializeWeight, serializeWeight } from '../apply/stored-weight.ts'
import { bytesAs, formatLabel } from '../plan/index.ts'
import { codebooks, parseRecipe } from '../recipe/index.ts'
import { gridOf } from './grid-of.ts'
import { decodeWeight, type MatrixWeight, quantizeWeight } from './index.ts'

const names = Object.keys(codebooks) as (keyof typeof codebooks)[]
const random = createRandom(5)
const weight = { values: Float32Array.from({ length: 4 * 96 }, () => random.normal()), shape: [4, 96] } as const

test.each(names)(
  '%s: a table of a recipe has the bits that the plan counts, and comes back from the store',
  async (codebook) => {
    const format = { codebook, group: 64 } as const
    expect(codeBits(gridOf(format))).toBe(codebooks[codebook])
    // Codes, and a scale of two bytes (8-bit floats four) for each of two groups in each row.
    const scaleBytes = codebook === 'fp8_e4m3' ? 4 : 2
    expect(bytesAs(format, weight.shape)).toBe((4 * 96 * codebooks[codebook]) / 8 + 4 * 2 * scaleBytes)
    expect(formatLabel(format)).toBe(`${codebook} of 64`)
    expect(parseRecipe({ steps: [{ kind: 'quantize', method: 'gptq', format }] }).steps).toHaveLength(1)
    const rounded = await quantizeWeight(weight, { kind: 'quantize', method: 'rtn', format }, undefined, {
      multiply: createPlainMultiply(),
    })
    const decoded = decodeWeight(rounded.weight)
    expect(decodeWeight((await deserializeWeight(await serializeWeight(rounded))).weight)).toEqual(decoded)
    const error =
      decoded.reduce((sum, value, i) => sum + (value - (weight.values[i] as number)) ** 2, 0) / decoded.length
    // The variance is 1; the optimal error of 2, 3 and 4 bits for normal variables is 0.117, 0.0345 and 0.0095 (Max
    // 1960). Three bits of mantissa round by a 16th at most, with uniform error.
    expect(error).toBeLessThan({ 2: 0.13, 3: 0.045, 4: 0.016, 8: 1 / 16 ** 2 / 3 }[codebooks[codebook]])
  },
)

test('8-bit floats with a scale a row or in all: the largest of those that share one is 448 times it', async () => {
  for (const [group, bytes, label] of [
    ['row', 4 * 96 + 4 * 4, 'fp8_e4m3 a row'],
    ['tensor', 4 * 96 + 4, 'fp8_e4m3 a tensor'],
  ] as const) {
    const format = { codebook: 'fp8_e4m3', group } as const
    expect(bytesAs(format, weight.shape)).toBe(bytes)
    expect(formatLabel(format)).toBe(label)
    const step = { kind: 'quantize', method: 'rtn', format, clip: false } as const
    expect(parseRecipe({ steps: [step] }).steps).toEqual([step])
    const rounded = await quantizeWeight(weight, step, undefined, { multiply: createPlainMultiply() })
    const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const expected =
      group === 'tensor'
        ? [largest(weight.values) / 448]
        : [0, 1, 2, 3].map((row) => largest(weight.values.subarray(96 * row, 96 * (row + 1))) / 448)
    expect([...((rounded.weight as MatrixWeight).matrix.scales ?? [])]).toEqual(expected.map(Math.fround))
  }
})

test('tables of normal variables lose less than integers that take the same bytes', async () => {
  const lossOf = async (format: Parameters<typeof gridOf>[0]): Promise<number> => {
    const decoded = decodeWeight(
      (
        await quantizeWeight(weight, { kind: 'quantize', method: 'rtn', format }, undefined, {
          multiply: createPlainMultiply(),
        })
      ).weight,
    )
    return decoded.reduce((sum, value, i) => sum + (value - (weight.values[i] as number)) ** 2, 0)
  }
  for (const bits of [2, 3, 4] as const)
    expect(await lossOf({ codebook: `normal${bits}`, group: 64 }), `${bits}`).toBeLessThan(
      await lossOf({ bits, group: 64, symmetric: true }),
    )
})
