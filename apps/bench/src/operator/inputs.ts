import { encodeElements } from '@tessera-llm/tensor'
import { hash } from '../workload/matmul-data.ts'
import type { OperatorInput } from './operator.ts'

/** The widths of SmolLM2-135M for one token, and 512 tokens of a 1 B model. */
export const hidden = 576
export const feedForward = 1536
export const vocabulary = 49152
export const large = [512, 2048] as const

/** Values between `middle` − `spread` and `middle` + `spread`, the same for every participant. */
export function values(
  shape: readonly number[],
  seed: number,
  middle = 0,
  spread = 1,
): OperatorInput & { data(): Float32Array<ArrayBuffer> } {
  const first = seed << 27
  return {
    dtype: 'f32',
    shape,
    data: () =>
      Float32Array.from(
        { length: product(shape) },
        (_, index) => middle + spread * (hash(first + index) / 2 ** 31 - 1),
      ),
  }
}

export const integers = (shape: readonly number[], value: (index: number) => number): OperatorInput => ({
  dtype: 'i32',
  shape,
  data: () => Int32Array.from({ length: product(shape) }, (_, index) => value(index)),
})
/** The same values, rounded. */
export function rounded(input: ReturnType<typeof values>): OperatorInput {
  return {
    dtype: 'f16',
    shape: input.shape,
    data: () => encodeElements(input.data(), 'f16') as Uint16Array<ArrayBuffer>,
  }
}
const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
export const widthOf = (size: readonly number[]): number => size.at(-1) ?? 1

/** Multipliers near 1 keep chained values in range: subnormal ones take longer. */
export const factors = (size: readonly number[], seed: number): OperatorInput => values(size, seed, 1, 0.01)

/** Range where functions are nearly x itself: chained GELU halves small values until their squares are subnormal. */
export const nearlyLinear = (size: readonly number[]): OperatorInput => values(size, 1, 6, 1)
