import { add, matmul, scale } from '@tessera-llm/kernels'
import type { LinearStatistics } from '@tessera-llm/quantization'
import { type Device, lastAxis, reshape, rowsOf, type Tensor, TesseraError } from '@tessera-llm/tensor'
import type { Site, Stream } from '../program/index.ts'

/** Sums over the inputs of one site, window after window. */
interface Gatherer {
  /** Adds a window: x f32 [..., K]; with `original`, what the uncompressed model has in its place, the mismatch too. */
  add(x: Tensor, original?: Tensor): Promise<void>
  statistics(): LinearStatistics
}

/** Products are the device's, in f32; sums over windows are float64. */
function createGatherer(device: Device, site: string, columns: number): Gatherer {
  const secondMoment = new Float64Array(columns * columns)
  const sum = new Float64Array(columns)
  const absSum = new Float64Array(columns)
  const absMax = new Float32Array(columns)
  let mismatch: Float64Array | undefined
  let count = 0

  const product = async (left: (x: Tensor) => Tensor, x: Tensor, into: Float64Array): Promise<void> => {
    const made = device.scope((scope) => {
      const rows = reshape(x, [rowsOf(x.shape), lastAxis(x.shape)])
      return scope.keep(matmul(left(rows), rows, { transposeA: true }))
    })
    const values = await device.read(made)
    made.dispose()
    for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + (values[i] as number)
  }

  return {
    async add(x, original) {
      const values = await device.read(x)
      for (let row = 0; row < values.length; row += columns) {
        for (let column = 0; column < columns; column++) {
          const value = values[row + column] as number
          sum[column] = (sum[column] as number) + value
          const magnitude = Math.abs(value)
          absSum[column] = (absSum[column] as number) + magnitude
          if (magnitude > (absMax[column] as number)) absMax[column] = magnitude
        }
      }
      if (!sum.every(Number.isFinite)) throw new TesseraError('invalid-value', `calibrate: the inputs of ${site} hold NaN or infinities; the model overflows on this text, or a step before made it do so`)
      await product((rows) => rows, x, secondMoment)
      if (original) {
        mismatch ??= new Float64Array(columns * columns)
        await product((rows) => add(reshape(original, rows.shape), scale(rows, { factor: -1 })), x, mismatch)
      }
      count += rowsOf(x.shape)
    },
    statistics() {
      const diagonal = Float32Array.from({ length: columns }, (_, column) => secondMoment[column * (columns + 1)] as number)
      return { columns, count, secondMoment: Float32Array.from(secondMoment), squares: diagonal, sum: Float32Array.from(sum), absSum: Float32Array.from(absSum), absMax, mismatch: mismatch && Float32Array.from(mismatch) }
    },
  }
}

/** The statistics of a site over all windows of a stream that has come to it; with `aim`, the same site of the uncompressed model, the mismatch too. */
export async function gatherSite(device: Device, { name, input }: Site, windows: number, stream: Stream, aim?: Stream, onWindow?: () => void): Promise<LinearStatistics> {
  const gatherer = createGatherer(device, name, lastAxis(input.shape))
  for (let window = 0; window < windows; window++) {
    const x = stream.tensor(window, input)
    const aimed = aim?.tensor(window, input)
    await gatherer.add(x, aimed)
    x.dispose()
    aimed?.dispose()
    onWindow?.()
  }
  return gatherer.statistics()
}
