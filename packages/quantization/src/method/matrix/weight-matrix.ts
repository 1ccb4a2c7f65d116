import { formatShape, TesseraError } from '@tessera-llm/tensor'
import { firstNonFinite } from '../../format/encodable-format.ts'
import type { Grid, LinearStatistics } from '../../quantized-matrix/index.ts'

/** The weight of a linear layer: f32 [N, K], outputs by inputs, row-major. Methods leave it as it is. */
export interface WeightMatrix {
  readonly values: Float32Array
  readonly shape: readonly [rows: number, columns: number]
}

/** @throws TesseraError `invalid-shape` when values and shape disagree */
export function checkSize(method: string, { values, shape }: WeightMatrix): void {
  const [rows, columns] = shape
  if (values.length !== rows * columns || values.length === 0)
    throw new TesseraError(
      'invalid-shape',
      `${method}: a weight ${formatShape(shape)} has ${rows * columns} values (at least one), got ${values.length}`,
    )
}

/** @throws TesseraError as `checkSize`, and `invalid-value` with the place of the first NaN or infinity */
export function checkWeight(method: string, weight: WeightMatrix): void {
  checkSize(method, weight)
  const {
    values,
    shape,
    shape: [, columns],
  } = weight
  const index = firstNonFinite(values)
  if (index < 0) return
  throw new TesseraError(
    'invalid-value',
    `${method}: the weight ${formatShape(shape)} holds ${values[index]} at row ${Math.floor(index / columns)}, column ${index % columns}; it is damaged, or its training diverged`,
    { details: { index } },
  )
}

/** @throws TesseraError `invalid-option` for groups, bits or tables that cannot be */
export function checkGrid(method: string, grid: Grid): void {
  const { group } = grid
  if (group !== 'row' && group !== 'tensor' && !(Number.isInteger(group) && group > 0))
    throw new TesseraError(
      'invalid-option',
      `${method}: a group is a number of columns > 0, "row" or "tensor", got ${group}`,
    )
  if (grid.kind === 'integer' && ![2, 3, 4, 8].includes(grid.bits))
    throw new TesseraError('invalid-option', `${method}: integers have 2, 3, 4 or 8 bits, got ${grid.bits}`)
  if (grid.kind === 'codebook' && !(grid.values.length >= 2 && grid.values.length <= 256))
    throw new TesseraError('invalid-option', `${method}: a table has 2 to 256 values, got ${grid.values.length}`)
}

/**
 * The second moment, checked to be of the weight's inputs.
 *
 * @throws TesseraError `invalid-shape` when it is missing or of another size, `invalid-value` when it is not finite or
 *   all zero
 */
export function secondMomentOf(method: string, { shape }: WeightMatrix, statistics: LinearStatistics): Float32Array {
  const { columns, secondMoment } = statistics
  if (columns !== shape[1])
    throw new TesseraError(
      'invalid-shape',
      `${method}: the statistics are of ${columns} inputs, the weight ${formatShape(shape)} has ${shape[1]}; pass those of this layer's own input`,
    )
  if (secondMoment?.length !== columns * columns)
    throw new TesseraError(
      'invalid-shape',
      `${method}: takes the second moment of the inputs, f32 [${columns}, ${columns}], got ${secondMoment ? `${secondMoment.length} values` : 'none'}; gather it in calibration`,
    )
  const index = firstNonFinite(secondMoment)
  if (index >= 0)
    throw new TesseraError(
      'invalid-value',
      `${method}: the second moment of the inputs is ${secondMoment[index]} at ${index}; the activations of the calibration overflowed`,
      { details: { index } },
    )
  if (secondMoment.every((value) => value === 0))
    throw new TesseraError(
      'invalid-value',
      `${method}: the second moment of the inputs is zero; the layer saw no calibration text`,
    )
  return secondMoment
}

/**
 * f32[K], the mean square of each input: what a squared error in a column costs, the importance matrix of ggml's
 * encoders.
 */
export function importanceOf({ columns, count, secondMoment, squares }: LinearStatistics): Float32Array {
  if (!squares && !secondMoment)
    throw new TesseraError(
      'invalid-value',
      'importance: the statistics hold neither squares nor a second moment; gather one of them in calibration',
    )
  return Float32Array.from(
    { length: columns },
    (_, column) =>
      (squares ? (squares[column] as number) : ((secondMoment as Float32Array)[column * (columns + 1)] as number)) /
      Math.max(count, 1),
  )
}
