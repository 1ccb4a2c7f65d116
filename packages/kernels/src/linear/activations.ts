import { TesseraError, type WeightSpec } from '@tessera-llm/tensor'
import { checkChoice } from '../check/index.ts'

/** How `linear` rounds its input before the product with a packed weight. */
export const linearActivations = ['f32', 'int8', 'int8-token', 'int8-static', 'int4-token'] as const
export type Activations = (typeof linearActivations)[number]

export type RoundingOptions = {
  /**
   * With a packed weight, x is rounded before the product: `int8` to 8 bits per block of 32 along K, `int8-token` with one scale for all of a
   * token's K, `int8-static` with the scale `inputScale` for all tokens, `int4-token` to 4 bits with one scale a token; see `roundInput`. With a
   * dense weight none changes anything: rounding would cost accuracy and save nothing. Default `f32`.
   */
  readonly activations?: Activations | undefined
  /** Of `int8-static`: what the code 1 stands for, found by calibration. x beyond 127 times it saturates. */
  readonly inputScale?: number | undefined
}

/** How a call rounds its input. */
export interface Rounding {
  /** Columns that share a scale. */
  readonly block: number
  /** The code of a block's largest value, where that is not clipped. */
  readonly levels: 127 | 7
  /** The least code; the largest is `levels`. */
  readonly least: -127 | -8
  /** What part of a block's largest value gets the code `levels`; values beyond saturate. */
  readonly clip: number
  /** In place of one that is found by the values. */
  readonly scale?: number | undefined
}

/** Values per block of dynamically quantized activations. */
export const activationBlock = 32

/** A block whose largest value is below this counts as zero, because its reciprocal would overflow; given scales lie between this and its reciprocal. 2^−100. */
const smallest = 2 ** -100

/**
 * Of 4 bits: −8 … 7 and a clip of 0.9, as QuaRot has them. The largest of some hundred values that are normally distributed, as rotated ones
 * nearly are, lies beyond what is best to keep with so few codes.
 */
const clip4 = 0.9

/** Throws unless `activations` is known and has the scale that it needs for these weights. */
export function checkActivations(
  { activations = 'f32', inputScale }: RoundingOptions,
  weights: readonly WeightSpec[],
  op: string,
): void {
  checkChoice(activations, linearActivations, op, 'activations')
  if (activations !== 'int8-static' || weights.every(({ kind }) => kind === 'dense')) return
  if (inputScale !== undefined && inputScale >= smallest && inputScale <= 1 / smallest) return
  const given =
    inputScale === undefined
      ? 'there is none; the model was not calibrated for static activations, int8-token needs no calibration'
      : `not ${inputScale}`
  throw new TesseraError(
    'invalid-option',
    `${op}: the activations int8-static need an inputScale that is positive and finite (2^-100 to 2^100), ${given}`,
  )
}

/** How x is rounded that meets this weight; undefined where it is not. */
export function roundingOf(
  weight: WeightSpec,
  { activations = 'f32', inputScale }: RoundingOptions,
  columns: number,
): Rounding | undefined {
  if (weight.kind === 'dense' || activations === 'f32') return undefined
  if (activations === 'int4-token') return { block: columns, levels: 7, least: -8, clip: clip4 }
  return {
    block: activations === 'int8' ? activationBlock : columns,
    levels: 127,
    least: -127,
    clip: 1,
    scale: activations === 'int8-static' ? inputScale : undefined,
  }
}

/**
 * x rounded per block of `block` along rows of `columns` (a whole row: one scale a token): limit = clip · max |x|, scale = limit / levels, code =
 * round(x · (levels / limit)), halves to even, or with a given scale round(x · (1 / scale)); codes beyond `least` and `levels` saturate. Each
 * operation is rounded to f32, so that every device arrives at the same codes.
 */
export function roundInput(
  x: Float64Array,
  columns: number,
  { block, levels, least, clip, scale: given }: Rounding,
): Float64Array {
  const out = new Float64Array(x.length)
  for (let row = 0; row < x.length; row += columns) {
    for (let start = row; start < row + columns; start += block) {
      const end = Math.min(start + block, row + columns)
      const [scale, inverse] =
        given === undefined
          ? scaleOf(x.subarray(start, end), levels, clip)
          : [Math.fround(given), Math.fround(1 / Math.fround(given))]
      for (let k = start; k < end; k++)
        out[k] = clamp(roundHalfToEven(Math.fround(Math.fround(x[k] as number) * inverse)), least, levels) * scale
    }
  }
  return out
}

/** Scale and reciprocal by the largest of the values. */
function scaleOf(values: Float64Array, levels: number, clip: number): readonly [number, number] {
  let max = 0
  for (const value of values) max = Math.max(max, Math.abs(Math.fround(value)))
  const limit = Math.fround(max * Math.fround(clip))
  return [Math.fround(limit / levels), limit < smallest ? 0 : Math.fround(levels / limit)]
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  if (rest !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
