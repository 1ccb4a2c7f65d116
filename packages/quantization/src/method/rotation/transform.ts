import { formatShape, TesseraError } from '@tessera-llm/tensor'
import { createPlainMultiply, type Multiply, rowMajor, transposed } from '../../linear-algebra/index.ts'
import { checkWeight, type WeightMatrix } from '../matrix/index.ts'
import type { Rotation } from './orthogonal.ts'

/**
 * Transform of a weight W[N, K] of y = x · Wᵀ when its input becomes x / scale · input and its output must be
 * multiplied by output. A rotation smaller than the axis is applied to each part of its size, as for attention heads.
 */
export interface WeightTransform {
  /**
   * f32[K]: x arrives divided by these, so that columns are multiplied; the weight of a norm merged into the layers
   * that read it, or smoothing.
   */
  readonly inputScale?: Float32Array | undefined
  /** x arrives multiplied by this rotation. */
  readonly input?: Rotation | undefined
  /** y leaves multiplied by this rotation. */
  readonly output?: Rotation | undefined
}

/**
 * `outputᵀ · W · diag(inputScale) · input` in f64, rounded to f32 once.
 *
 * @throws TesseraError `invalid-shape` when a rotation or the scales do not fit the weight
 */
export function transformWeight(
  weight: WeightMatrix,
  { inputScale, input, output }: WeightTransform,
  multiply: Multiply = createPlainMultiply(),
): WeightMatrix & { readonly values: Float32Array<ArrayBuffer> } {
  checkWeight('transform', weight)
  const { shape } = weight
  const [rows, columns] = shape
  if (inputScale && inputScale.length !== columns)
    throw new TesseraError(
      'invalid-shape',
      `transform: the scales of the inputs of a weight ${formatShape(shape)} are ${columns}, got ${inputScale.length}`,
    )
  let values = Float64Array.from(weight.values)
  if (inputScale)
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * (inputScale[i % columns] as number)
  if (input) {
    const parts = partsOf(columns, input, shape)
    const turned = new Float64Array(values.length)
    for (let part = 0; part < parts; part++) {
      multiply(
        rows,
        input.size,
        input.size,
        1,
        rowMajor(values, columns, 0, part * input.size),
        rowMajor(input.matrix, input.size),
        rowMajor(turned, columns, 0, part * input.size),
      )
    }
    values = turned
  }
  if (output) {
    const parts = partsOf(rows, output, shape)
    const turned = new Float64Array(values.length)
    for (let part = 0; part < parts; part++) {
      multiply(
        output.size,
        columns,
        output.size,
        1,
        transposed(rowMajor(output.matrix, output.size)),
        rowMajor(values, columns, part * output.size),
        rowMajor(turned, columns, part * output.size),
      )
    }
    values = turned
  }
  return { values: Float32Array.from(values), shape }
}

/** The same for a vector beside the outputs, such as a bias f32[N]: `b · output`. */
export function transformBias(bias: Float32Array, output: Rotation): Float32Array<ArrayBuffer> {
  const { size, matrix } = output
  const parts = partsOf(bias.length, output, [bias.length])
  return Float32Array.from(bias, (_, i) => {
    const part = Math.floor(i / size)
    let sum = 0
    for (let k = 0; k < size; k++) sum += (bias[part * size + k] as number) * (matrix[k * size + (i % size)] as number)
    return part < parts ? sum : 0
  })
}

function partsOf(length: number, { size }: Rotation, shape: readonly number[]): number {
  if (length % size === 0) return length / size
  throw new TesseraError(
    'invalid-shape',
    `transform: an axis of ${length} of ${formatShape(shape)} is no multiple of the rotation's size ${size}`,
  )
}
