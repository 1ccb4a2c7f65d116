import { TesseraError } from '@tessera-llm/tensor'

/** A linear layer: weight f32[outputs, inputs], row-major, and bias f32[outputs]. */
export interface ProjectionWeights {
  readonly weight: Float32Array
  readonly bias?: Float32Array | undefined
}

/** The projections of one attention layer. Query head h reads KV head ⌊h / (numHeads / numKvHeads)⌋. */
export interface HeadWeights {
  readonly numHeads: number
  readonly numKvHeads: number
  /** Size D of a query and key head. */
  readonly headDim: number
  /** Size Dv of a value head. Default: `headDim`. */
  readonly valueDim?: number | undefined
  /** f32[numHeads · D, inputs] */
  readonly query: ProjectionWeights
  /** f32[numKvHeads · D, inputs] */
  readonly key: ProjectionWeights
  /** f32[numKvHeads · Dv, inputs] */
  readonly value: ProjectionWeights
  /** f32[outputs, numHeads · Dv] */
  readonly output: ProjectionWeights
}

/** Throws unless the arrays have the sizes that the head counts imply. */
export function checkHeadWeights(weights: HeadWeights): void {
  const { numHeads, numKvHeads, headDim, valueDim = headDim, query, key, value, output } = weights
  for (const [name, size] of Object.entries({ numHeads, numKvHeads, headDim, valueDim })) {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new TesseraError('invalid-shape', `convertHeads: ${name} must be a positive integer, not ${size}`)
  }
  if (numHeads % numKvHeads !== 0)
    throw new TesseraError(
      'invalid-shape',
      `convertHeads: numHeads (${numHeads}) must be a multiple of numKvHeads (${numKvHeads})`,
    )
  const inputs = query.weight.length / (numHeads * headDim)
  const outputs = output.weight.length / (numHeads * valueDim)
  if (!Number.isSafeInteger(inputs) || inputs < 1)
    throw new TesseraError(
      'invalid-shape',
      `convertHeads: query.weight has ${query.weight.length} values, which are no rows of ${numHeads} heads of ${headDim}`,
    )
  if (!Number.isSafeInteger(outputs) || outputs < 1)
    throw new TesseraError(
      'invalid-shape',
      `convertHeads: output.weight has ${output.weight.length} values, which are no columns of ${numHeads} heads of ${valueDim}`,
    )
  const expected: readonly (readonly [string, Float32Array | undefined, number])[] = [
    ['key.weight', key.weight, numKvHeads * headDim * inputs],
    ['value.weight', value.weight, numKvHeads * valueDim * inputs],
    ['query.bias', query.bias, numHeads * headDim],
    ['key.bias', key.bias, numKvHeads * headDim],
    ['value.bias', value.bias, numKvHeads * valueDim],
    ['output.bias', output.bias, outputs],
  ]
  for (const [name, array, length] of expected) {
    if (array !== undefined && array.length !== length) {
      throw new TesseraError(
        'invalid-shape',
        `convertHeads: ${name} must have ${length} values for ${numHeads} query and ${numKvHeads} KV heads of ${headDim} and ${inputs} inputs, but has ${array.length}`,
      )
    }
  }
}
