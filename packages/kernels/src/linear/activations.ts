import { TesseraError, type WeightSpec } from '@tessera-llm/tensor'
import { checkChoice } from '../check/index.ts'

/** Names of the ways in which `linear` rounds its input before a product with a packed weight. */
export const linearActivations = ['f32', 'int8', 'int8-token', 'int8-static', 'int4-token'] as const
/** One of `linearActivations`. */
export type Activations = (typeof linearActivations)[number]

/** Options of `linear` and its fused forms: rounding of the input. */
export type RoundingOptions = {
  /**
   * How x is rounded before a product with a packed weight: `int8` to 8 bits per block of 32 along K, `int8-token` with
   * one scale per token, `int8-static` with the scale `inputScale` for all tokens, `int4-token` to 4 bits with one
   * scale per token; see `roundInput`. Dense weights ignore it: rounding would cost accuracy and save nothing. Default
   * `f32`, no rounding.
   */
  readonly activations?: Activations | undefined
  /** Scale of `int8-static`, from calibration: the value of code 1. |x| beyond 127 times it saturates. */
  readonly inputScale?: number | undefined
}

/** Rounding parameters of a call. */
export interface Rounding {
  /** Columns that share a scale. */
  readonly block: number
  /** Code of a block's largest magnitude, unless it is clipped. */
  readonly levels: 127 | 7
  /** Least code; the largest is `levels`. */
  readonly least: -127 | -8
  /** Fraction of a block's largest magnitude that gets the code `levels`; values beyond saturate. */
  readonly clip: number
  /** Fixed scale; without it, each block's values determine the scale. */
  readonly scale?: number | undefined
}

/** Values per block of dynamically quantized activations. */
export const activationBlock = 32

/**
 * 2^−100. A block whose largest magnitude is below this becomes zero, because its reciprocal would overflow. Given
 * scales must lie between this and its reciprocal.
 */
const smallest = 2 ** -100

/**
 * Clip of 4-bit codes −8 … 7, as in QuaRot. The maximum of some hundred normally distributed values, which rotated ones
 * nearly are, lies beyond the best clipping point for so few codes.
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

/** Returns how the input of this weight is rounded, or undefined if it is not. */
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
 * Rounds x per block of `block` along rows of `columns` (a whole row: one scale per token): limit = clip · max |x|,
 * scale = limit / levels, code = round(x · (levels / limit)), half to even; or with a given scale, round(x · (1 /
 * scale)). Codes outside `least` … `levels` saturate. Each operation is rounded to f32, so every device gets the same
 * codes.
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

/** Scale and its reciprocal from the largest magnitude. */
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
