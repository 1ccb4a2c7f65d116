import {
  awqScales,
  type Grid,
  type LinearStatistics,
  type Multiply,
  smoothScales,
  type WeightMatrix,
} from '@tessera-llm/quantization'
import { integerGrid, gridOf } from '../quantize/index.ts'
import type { AwqStep, GgmlFormat, SmoothStep, WeightFormat } from '../recipe/index.ts'

/**
 * Searches the scales f32[K] of one input, for those layers that read it and will be rounded. Columns of one source
 * element (`sources`) get equal scales.
 *
 * @throws TesseraError as the method
 */
export function findScales(
  step: AwqStep | SmoothStep,
  weights: readonly WeightMatrix[],
  statistics: LinearStatistics,
  format: WeightFormat,
  sources: Int32Array | undefined,
  multiply: Multiply,
): Float32Array {
  const tied = sources ? tieStatistics(statistics, sources) : statistics
  const scales =
    step.kind === 'awq'
      ? awqScales(weights, tied, searchGrid(format), { multiply, searchScale: 'search', sampleRows }).scales
      : smoothScales(weights, tied, step.alpha ?? 0.5)
  return sources ? tie(scales, sources, Math.max) : scales
}

/** Rows of each weight on which exponents are compared; enough to rank them as all rows do. */
const sampleRows = 64

/** Integer grids that approximate a format while scales are searched; undefined for formats without one. */
const nearGrids: Readonly<
  Partial<Record<GgmlFormat, readonly [bits: 2 | 3 | 4 | 8, group: number, symmetric: boolean]>>
> = {
  q8_0: [8, 32, true],
  q4_0: [4, 32, true],
  q4_1: [4, 32, false],
  q4_k: [4, 32, false],
  iq4_nl: [4, 32, true],
  iq4_xs: [4, 32, true],
  mxfp4: [4, 32, true],
  q3_k: [3, 16, true],
  q2_k: [2, 16, false],
}

/** Whether scales can be searched for weights of a format. */
export function hasSearchGrid(format: WeightFormat): boolean {
  return typeof format !== 'string' || nearGrids[format] !== undefined
}

function searchGrid(format: WeightFormat): Grid {
  if (typeof format !== 'string') return gridOf(format)
  const [bits, group, symmetric] = nearGrids[format] ?? [8, 32, true]
  return integerGrid({ bits, group, symmetric })
}

/**
 * Statistics in which columns that must share a scale are merged: the mean of their means, the largest of their maxima.
 */
function tieStatistics(statistics: LinearStatistics, sources: Int32Array): LinearStatistics {
  const { absSum, absMax } = statistics
  const counts = new Float32Array(Math.max(...sources) + 1)
  for (const source of sources) counts[source] = (counts[source] as number) + 1
  const sums =
    absSum &&
    tie(absSum, sources, (a, b) => a + b).map((sum, column) => sum / (counts[sources[column] as number] as number))
  return { ...statistics, absSum: sums, absMax: absMax && tie(absMax, sources, Math.max) }
}

function tie(values: Float32Array, sources: Int32Array, join: (a: number, b: number) => number): Float32Array {
  const joined = new Map<number, number>()
  for (const [column, source] of sources.entries()) {
    const value = values[column] as number
    const known = joined.get(source)
    joined.set(source, known === undefined ? value : join(known, value))
  }
  return Float32Array.from(sources, (source) => joined.get(source) as number)
}
