import { dense, denseSpec, formatShape, type Op, sizeOf, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { rtn } from '../method/rtn/index.ts'
import { type IntegerGrid, packCodeWords } from '../quantized-matrix/index.ts'

/** Inputs of `round-groups`: values f32[N, K], importance f32[K] (all equal if absent). */
export type RoundGroupsInputs = { readonly values: Tensor; readonly importance?: Tensor | undefined }

/**
 * Outputs of `round-groups`: codes u8[N, K], or packed eight to a word u32[N, K / 8], the first in the lowest bits;
 * scales and zeros f32[N, K / width].
 */
export type RoundGroupsOutputs = { readonly codes: Tensor; readonly scales: Tensor; readonly zeros: Tensor }

/** Options of `round-groups`: the integer grid. */
export type RoundGroupsOptions = {
  readonly bits: IntegerGrid['bits']
  /** Columns that share a scale: they divide those of a row. */
  readonly width: number
  readonly isSymmetric: boolean
  readonly scaleType: 'f32' | 'f16' | 'bf16'
  /** Packs codes of 4 bits in groups of whole words. Default false. */
  readonly isPacked?: boolean | undefined
}

/**
 * Rows of finite values f32[N, K] to the nearest integers by searched scales, with an importance f32[K] of the columns
 * or without: codes u8[N, K], and scales and zeros f32[N, K / width], the very ones of `rtn`, which is the reference.
 * Zeros of symmetric grids are the middle code.
 */
export const roundGroupsOp: Op<RoundGroupsInputs, RoundGroupsOutputs, RoundGroupsOptions> = {
  id: 'round-groups',
  version: 1,
  package: '@tessera-llm/quantization',
  validate({ values, importance }, { width, bits, isPacked = false }) {
    const { dtype, shape } = denseSpec(values, 'round-groups', 'values')
    const [rows = 0, columns = 0] = shape
    if (dtype !== 'f32' || shape.length !== 2)
      throw new TesseraError(
        'invalid-shape',
        `round-groups: values must be f32 [N, K], not ${dtype} ${formatShape(shape)}`,
      )
    if (!(Number.isInteger(width) && width > 0 && columns % width === 0))
      throw new TesseraError('invalid-option', `round-groups: groups of ${width} columns do not divide ${columns}`)
    if (isPacked && !(bits === 4 && width % 8 === 0))
      throw new TesseraError(
        'invalid-option',
        `round-groups: codes of 4 bits are packed, in groups of a multiple of 8, not ${bits} bits by ${width}`,
      )
    if (importance !== undefined && sizeOf(denseSpec(importance, 'round-groups', 'importance').shape) !== columns)
      throw new TesseraError(
        'invalid-shape',
        `round-groups: importance is one weight for each of the ${columns} columns`,
      )
    const groups = [rows, columns / width]
    const codes = isPacked ? dense('u32', [rows, columns / 8]) : dense('u8', shape)
    return { codes, scales: dense('f32', groups), zeros: dense('f32', groups) }
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost({ inputs: { values } }) {
    // Some 23 scales are tried, by ten operations a value.
    return {
      flops: 230 * sizeOf(values.shape),
      bytesRead: 4 * sizeOf(values.shape),
      bytesWritten: sizeOf(values.shape),
    }
  },
  reference({ values, importance }, options) {
    const [rows = 0, columns = 0] = values.shape
    const { codes, scales, zeros } = rtn(
      { values: Float32Array.from(values.data), shape: [rows, columns] },
      gridOf(options),
      importance ? { importance: Float32Array.from(importance.data) } : {},
    )
    return {
      codes: Float64Array.from(options.isPacked ? packCodeWords(codes) : codes),
      scales: Float64Array.from(scales),
      zeros: zeros ? Float64Array.from(zeros) : new Float64Array(scales.length).fill(2 ** (options.bits - 1)),
    }
  },
}

function gridOf({ bits, width, isSymmetric, scaleType }: RoundGroupsOptions): IntegerGrid {
  return { kind: 'integer', bits, group: width, isSymmetric, scaleType }
}
