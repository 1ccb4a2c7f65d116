import { codeBits, createPlainMultiply } from '@tessera-llm/quantization'
import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { deserializeWeight, serializeWeight } from '../apply/stored-weight.ts'
import { bytesAs, formatLabel } from '../plan/index.ts'
import { codebooks, parseRecipe } from '../recipe/index.ts'
import { gridOf } from './grid-of.ts'
import { decodeWeight, quantizeWeight } from './index.ts'

const names = Object.keys(codebooks) as (keyof typeof codebooks)[]
const random = createRandom(5)
const weight = { values: Float32Array.from({ length: 4 * 96 }, () => random.normal()), shape: [4, 96] } as const

test.each(names)(
  '%s: a table of a recipe has the bits that the plan counts, and comes back from the store',
  async (codebook) => {
    const format = { codebook, group: 64 } as const
    expect(codeBits(gridOf(format))).toBe(codebooks[codebook])
    // Codes, and a scale of two bytes for each of two groups in each row.
    expect(bytesAs(format, weight.shape)).toBe((4 * 96 * codebooks[codebook]) / 8 + 4 * 2 * 2)
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
    // 1960).
    expect(error).toBeLessThan({ 2: 0.13, 3: 0.045, 4: 0.016 }[codebooks[codebook]])
  },
)

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
