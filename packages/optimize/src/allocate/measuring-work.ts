import { lastAxis, type Shape, sizeOf } from '@tessera-llm/tensor'
import type { Program, Step } from '../program/index.ts'

/**
 * Time of other operations in multiplications of the forward pass, measured on WebAssembly; accurate to a factor of
 * two.
 */
const multiplications = {
  /** One element of a weight that is read and rounded whole. */
  rounded: 3000,
  /** One element of a sampled row that is rounded to one format. */
  sampled: 4000,
  /** One token of the vocabulary whose probabilities are compared. */
  word: 1000,
  /** One multiplication in f64 on one thread. */
  factored: 8,
  /** One multiplication of GPTQ. */
  swept: 5,
} as const

/** Work of measuring losses, in multiplications of the forward pass, so that progress is proportional to time. */
export interface MeasuringWork {
  /** One window through the steps `from` … `to` − 1. */
  steps(from: number, to: number): number
  /** Statistics of a layer's inputs over all windows: second moments, which are factored, or sums only. */
  gathered(columns: number, windows: number, products: boolean): number
  /** Rounding a weight, by GPTQ or to nearest, and some of its rows to a number of formats. */
  rounded(shape: Shape, rows: number, formats: number, isSwept: boolean): number
  /** Comparing one window's logits of a number of tokens of the vocabulary. */
  compared(columns: number, words: number): number
}

export function measuringWork({ steps, weights, tokens }: Program): MeasuringWork {
  const before = [0]
  for (const step of steps) before.push((before.at(-1) as number) + tokens * weightOf(step, weights))
  return {
    steps: (from, to) => (before[to] as number) - (before[from] as number),
    gathered: (columns, windows, products) =>
      products ? windows * tokens * columns ** 2 + (multiplications.factored * columns ** 3) / 3 : 0,
    rounded: (shape, rows, formats, isSwept) =>
      multiplications.rounded * sizeOf(shape) +
      multiplications.sampled * rows * lastAxis(shape) * formats +
      (isSwept ? multiplications.swept * (sizeOf(shape) * lastAxis(shape) + lastAxis(shape) ** 3 / 3) : 0),
    compared: (columns, words) => tokens * words * (columns + multiplications.word),
  }
}

/** Number of elements of the weight that a step multiplies by; 0 for a lookup of rows. */
function weightOf({ inputs }: Step, weights: Program['weights']): number {
  const slot = inputs['ids'] ? undefined : inputs['weight']
  return slot?.kind === 'dense' && weights.has(slot.memory) ? sizeOf(slot.shape) : 0
}
