import { createReferenceDevice } from '@tessera-llm/tensor'
import { goldenInput, goldenOutput, referenceMatchers } from '@tessera-llm/testing'
import { expect, test } from 'vitest'
import { ropeFrequencies, ropeTable } from '../src/index.ts'
import { ropeConformance, ropeGolden, ropeOptionsOf, ropeStored } from './cases/rope.ts'

expect.extend(referenceMatchers)
const reference = createReferenceDevice()

test.for(ropeGolden)('the reference gives the golden of $name', (golden) => golden.run(reference, reference))
test.for(ropeConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), reference),
)

test.for(ropeStored)('frequencies and tables of $name', async (stored) => {
  const options = ropeOptionsOf(stored)
  const positions = goldenInput(stored, 'positions').data as Int32Array
  const { frequencies, attentionFactor } = ropeFrequencies({ ...options, maxPositions: 0 })
  const close = async (got: ArrayLike<number>, name: string): Promise<void> => {
    const want = goldenOutput(stored, name)
    await expect(got).toMatchReference(want.data as Float32Array, want.tolerance)
  }
  await close(frequencies, 'inv_freq')
  await close([attentionFactor], 'attention_factor')
  const { cos, sin } = ropeTable({ ...options, maxPositions: Math.max(...positions) + 1 })
  const half = options.rotaryDim / 2
  const rows = (table: Float32Array): number[] =>
    Array.from(positions).flatMap((position) => Array.from(table.subarray(position * half, (position + 1) * half)))
  await close(rows(cos), 'cos')
  await close(rows(sin), 'sin')
})

test('frequency factors divide the frequencies, before any scaling', () => {
  const plain = ropeFrequencies({ theta: 10_000, rotaryDim: 4, maxPositions: 1 })
  const divided = ropeFrequencies({
    theta: 10_000,
    rotaryDim: 4,
    maxPositions: 1,
    frequencyFactors: [1, 8],
    scaling: { type: 'linear', factor: 2 },
  })
  expect(divided.frequencies).toEqual(
    Float64Array.of((plain.frequencies[0] as number) / 2, (plain.frequencies[1] as number) / 16),
  )
})

test.for([
  [{ rotaryDim: 3 }, 'rotaryDim must be even and positive, not 3'],
  [{ rotaryDim: 0 }, 'rotaryDim must be even and positive, not 0'],
  [{ theta: 0 }, 'theta must be positive, not 0'],
  [{ frequencyFactors: [1] }, 'frequencyFactors must have 2 values, not 1'],
  [{ frequencyFactors: [1, 0] }, 'the frequencies are not finite (scaling '],
  [
    { scaling: { type: 'linear', factor: 0 } },
    'the frequencies are not finite (scaling linear); factors and positions must be positive',
  ],
  [
    {
      scaling: {
        type: 'longrope',
        shortFactors: [1, 1],
        longFactors: [1, 1],
        originalMaxPositions: 0,
        attentionFactor: Number.NaN,
      },
    },
    'the frequencies are not finite (scaling ',
  ],
] as const)('tables of %o are refused', ([wrong, message]) => {
  expect(() => ropeTable({ theta: 10_000, rotaryDim: 4, maxPositions: 1, ...wrong })).toThrow(message)
})
