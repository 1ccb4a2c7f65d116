import { add, matmul, scale } from '@tessera-llm/kernels'
import { type Device, lastAxis, reshape, rowsOf, type Tensor } from '@tessera-llm/tensor'
import { checkSums, type Gatherer, type GathererOptions } from './gatherer.ts'

/** Column panels of a second moment, so that only one of two mirrored blocks is computed. */
function panelsOf(columns: number): readonly { readonly at: number; readonly width: number }[] {
  const count = columns >= 1024 ? 4 : columns >= 384 ? 3 : 1
  const width = Math.ceil(columns / count / 8) * 8
  return Array.from({ length: count }, (_, index) => ({
    at: index * width,
    width: Math.min(width, columns - index * width),
  }))
}

/** A gatherer for any device, which multiplies while the calling thread adds. */
export function createHostGatherer(device: Device, { site, columns, products }: GathererOptions): Gatherer {
  const secondMoment = products ? new Float64Array(columns * columns) : undefined
  const squares = new Float64Array(columns)
  const sum = new Float64Array(columns)
  const absSum = new Float64Array(columns)
  const absMax = new Float32Array(columns)
  const panels = panelsOf(columns)
  let mismatch: Float64Array | undefined
  let count = 0

  /** Adds leftᵀ · right to a part of a matrix of `columns` columns. */
  const addProduct = async (left: Tensor, right: Tensor, into: Float64Array, at: number): Promise<void> => {
    const made = matmul(left, right, { transposeA: true })
    await device.synchronize()
    const view = device.hostView(made)
    // A copy would allocate megabytes for each window.
    const values = view
      ? new Float32Array(view.buffer, view.byteOffset, view.byteLength / 4)
      : ((await device.read(made)) as Float32Array)
    const width = lastAxis(right.shape)
    for (let i = 0; i < values.length; i += width) {
      const line = at + (i / width) * columns
      for (let j = 0; j < width; j++) into[line + j] = (into[line + j] as number) + (values[i + j] as number)
    }
    made.dispose()
  }
  const addMoments = async (values: Float32Array, into: Float64Array): Promise<void> => {
    const rows = values.length / columns
    const parts = panels.map(({ at, width }) => {
      const part = new Float32Array(rows * width)
      for (let row = 0; row < rows; row++)
        part.set(values.subarray(row * columns + at, row * columns + at + width), row * width)
      return device.tensor(part, [rows, width])
    })
    try {
      for (const [i, left] of parts.entries()) {
        for (const [j, right] of parts.entries())
          if (j >= i)
            await addProduct(left, right, into, (panels[i]?.at as number) * columns + (panels[j]?.at as number))
      }
    } finally {
      for (const part of parts) part.dispose()
    }
  }

  const addRow = (values: Float32Array, row: number): void => {
    for (let column = 0; column < columns; column++) {
      const value = values[row + column] as number
      sum[column] = (sum[column] as number) + value
      squares[column] = (squares[column] as number) + value * value
      absSum[column] = (absSum[column] as number) + Math.abs(value)
      absMax[column] = Math.max(absMax[column] as number, Math.abs(value))
    }
  }
  /** Sums in the same order as row by row; each sum is loaded and stored once for four rows. */
  const addFourRows = (values: Float32Array, row: number): void => {
    for (let column = 0, at = row; column < columns; column++, at++) {
      const a = values[at] as number,
        b = values[at + columns] as number,
        c = values[at + 2 * columns] as number,
        d = values[at + 3 * columns] as number
      sum[column] = (sum[column] as number) + a + b + c + d
      squares[column] = (squares[column] as number) + a * a + b * b + c * c + d * d
      const p = Math.abs(a),
        q = Math.abs(b),
        r = Math.abs(c),
        s = Math.abs(d)
      absSum[column] = (absSum[column] as number) + p + q + r + s
      absMax[column] = Math.max(absMax[column] as number, p, q, r, s)
    }
  }

  return {
    async add(x, original) {
      const values = (await device.read(x)) as Float32Array
      let row = 0
      for (; row + 4 * columns <= values.length; row += 4 * columns) addFourRows(values, row)
      for (; row < values.length; row += columns) addRow(values, row)
      checkSums(sum, site)
      if (secondMoment) await addMoments(values, secondMoment)
      if (original) {
        mismatch ??= new Float64Array(columns * columns)
        const [difference, rows] = device.scope((scope) => {
          const flat = reshape(x, [rowsOf(x.shape), columns])
          return [scope.keep(add(reshape(original, flat.shape), scale(flat, { factor: -1 }))), scope.keep(flat)]
        })
        await addProduct(difference as Tensor, rows as Tensor, mismatch, 0)
        difference?.dispose()
        rows?.dispose()
      }
      count += rowsOf(x.shape)
    },
    async statistics() {
      if (secondMoment) mirror(secondMoment, columns, panels)
      return {
        columns,
        count,
        secondMoment: secondMoment && Float32Array.from(secondMoment),
        squares: Float32Array.from(squares),
        sum: Float32Array.from(sum),
        absSum: Float32Array.from(absSum),
        absMax,
        mismatch: mismatch && Float32Array.from(mismatch),
      }
    },
    dispose() {},
  }
}

/** Fills the blocks below the diagonal from those above. */
function mirror(matrix: Float64Array, columns: number, panels: ReturnType<typeof panelsOf>): void {
  for (const { at, width } of panels) {
    for (let row = at; row < at + width; row++) {
      for (let column = 0; column < at; column++)
        matrix[row * columns + column] = matrix[column * columns + row] as number
    }
  }
}
