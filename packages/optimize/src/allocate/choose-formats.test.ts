import { createRandom } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import type { IntegerFormat } from '../recipe/index.ts'
import type { ModelWeight } from '../weights/index.ts'
import { type ChosenFormats, chooseFormats } from './choose-formats.ts'
import type { WeightLosses } from './measure-losses.ts'
import type { FormatChoice, OpenWeight } from './open-weights.ts'

const layers = 24
const shape = [64, 192] as const
/** Formats by bits a weight, with their loss relative to the measured format: a quarter for each bit. */
const formats = ([3, 4] as const).flatMap((bits) =>
  [32, 64, 192].map((group) => ({ format: { bits, group } as IntegerFormat, bitsPerWeight: bits + 20 / group })),
)
const quotient = (bitsPerWeight: number): number => 4 ** (4.3125 - bitsPerWeight)
const kinds = ['mlp.up', 'mlp.gate', 'mlp.down'] as const
const open: readonly OpenWeight[] = kinds.flatMap((kind) =>
  Array.from({ length: layers }, (_, layer): OpenWeight => {
    const name = `layers.${layer}.${kind}`
    return {
      weight: { name, shape } as unknown as ModelWeight,
      options: formats.map(({ format, bitsPerWeight }) => ({
        name,
        format,
        bytes: (bitsPerWeight * shape[0] * shape[1]) / 8,
      })),
      refused: new Map(),
    }
  }),
)
const bytesOf = (choices: readonly FormatChoice[]): number => 1000 + choices.reduce((sum, { bytes }) => sum + bytes, 0)
const uniformBytes = 1000 + (layers * kinds.length * 4.3125 * shape[0] * shape[1]) / 8
const noiseOf = (random: { normal(): number }): number => Math.exp(0.7 * random.normal() - 0.245)

const lossesOf = (name: string, runs: readonly number[]): WeightLosses => {
  const measured = runs.reduce((sum, value) => sum + value, 0) / runs.length
  return { name, measured, runs, predicted: formats.map(({ bitsPerWeight }) => measured * quotient(bitsPerWeight)) }
}

/**
 * Chooses by eight noisy runs of tokens for weights with known true losses. Returns the true loss of that choice, and
 * of 4 bits in groups of 64 for all weights.
 */
function chosenBy(
  seed: number,
  truth: (name: string) => number,
): ChosenFormats & { readonly true: number; readonly trueUniform: number } {
  const random = createRandom(seed)
  const losses = open.map(({ weight: { name } }) =>
    lossesOf(
      name,
      Array.from({ length: 8 }, () => truth(name) * noiseOf(random)),
    ),
  )
  const chosen = chooseFormats(open, losses, { budget: uniformBytes, bytesOf })
  const lost = chosen.choices.reduce(
    (sum, { name, format }) =>
      sum + truth(name) * quotient(formats.find((each) => each.format === format)?.bitsPerWeight as number),
    0,
  )
  return { ...chosen, true: lost, trueUniform: open.reduce((sum, { weight: { name } }) => sum + truth(name), 0) }
}

test('where noise alone differs, all weights have one format', () => {
  const random = createRandom(3)
  for (let turn = 0; turn < 20; turn++) {
    const chosen = chosenBy(Math.floor(1e6 * random.uniform()), () => 1e-3)
    expect(new Set(chosen.choices.map(({ format }) => JSON.stringify(format)))).toEqual(
      new Set(['{"bits":4,"group":64}']),
    )
    expect(chosen).toMatchObject({
      bytes: uniformBytes,
      loss: expect.closeTo(
        chosen.choices.reduce((sum, { loss }) => sum + loss, 0),
        12,
      ),
    })
  }
})

test('one weight that matters much gets more bits, and the others pay no more than that', () => {
  const special = 'layers.7.mlp.up'
  const chosen = chosenBy(5, (name) => (name === special ? 0.2 : 1e-3))
  const { format } = chosen.choices.find(({ name }) => name === special) ?? {}
  expect(format).toEqual({ bits: 4, group: 32 })
  expect(chosen.bytes).toBeLessThanOrEqual(uniformBytes)
  expect(chosen.true).toBeLessThan(0.85 * chosen.trueUniform)
})

test('a kind that matters more gets more bits; what a mixture truly loses is never more than one format does', () => {
  for (let seed = 40; seed < 60; seed++) {
    const scale = (seed - 40) / 10
    const random = createRandom(seed)
    const truths = new Map(
      open.map(({ weight: { name } }) => [
        name,
        1e-3 * (name.endsWith('up') ? 1 + 3 * scale : 1) * Math.exp(0.2 * scale * random.normal()),
      ]),
    )
    const chosen = chosenBy(seed, (name) => truths.get(name) as number)
    expect(chosen.true, `scale ${scale}`).toBeLessThanOrEqual(chosen.trueUniform * (1 + 1e-9))
    if (scale > 1) expect(chosen.true, `scale ${scale}`).toBeLessThan(0.95 * chosen.trueUniform)
  }
})

test('what one format leaves of the budget is used', () => {
  const losses = open.map(({ weight: { name } }) => lossesOf(name, new Array(8).fill(1e-3)))
  const room = 2000
  const chosen = chooseFormats(open, losses, { budget: uniformBytes + room, bytesOf })
  expect(chosen.bytes).toBeGreaterThan(uniformBytes + room - 1000)
  expect(chosen.loss).toBeLessThan(1e-3 * open.length)
})
