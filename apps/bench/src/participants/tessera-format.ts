import { linear } from '@tessera-llm/kernels'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import {
  codebookGrid,
  type CodebookId,
  findGgmlFormat,
  ggmlPackers,
  type Grid,
  groupsPerRow,
  joinParts,
  normalGrid,
  packMatrix,
  rows8GridPacker,
} from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { type Device, type DType, encodeElements, TesseraError, type Weight } from '@tessera-llm/tensor'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { medianRate } from '../participant/matmul/index.ts'
import type { Description, Participant } from '../participant/index.ts'
import { type FormatWorkload, hash, type Workload } from '../workload/index.ts'

/**
 * Measures one format: the device time of a replayed `linear`. Activations are rounded to int8 unless weights are dense.
 * One token goes through as many equal matrices as exceed caches, one after the other, as it does in a model.
 */
export function createFormatParticipant(describe: (workload: Workload) => Description): Participant {
  let device: WasmDevice | undefined
  let replay: (() => void) | undefined
  let figures: (replaysPerMs: number) => Readonly<Record<string, number>>
  return {
    async prepare(workload) {
      if (workload.kind !== 'format') throw new TesseraError('invalid-option', `bench: a format is no ${workload.kind}`)
      const { m, n, k, format, threads } = workload
      const made = await createWasmDevice({ kernels: [...kernelsWasm, ...quantizationWasm], threads })
      const [weight, ...copies] = weightsOf(made, workload)
      const x = made.tensor(
        Float32Array.from({ length: m * k }, (_, i) => valueAt(i)),
        [m, k],
      )
      const activations = format === 'int8/row' ? 'int8-token' : 'int8'
      const plan = made.capture(() => {
        for (const copy of copies) linear(x, copy, { activations })
        return linear(x, weight, { activations })
      })
      device = made
      replay = () => plan.replay()
      figures = (replaysPerMs) => {
        const calls = (1 + copies.length) * replaysPerMs
        const products = (2 * m * n * k * calls) / 1e6
        return m === 1 ? { rate: (weight.byteLength * calls) / 1e6, products } : { rate: products }
      }
      return describe(workload)
    },
    async measure() {
      const run = replay
      if (!run) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
      return { figures: figures(await medianRate(async () => run())) }
    },
    async close() {
      await device?.dispose()
    },
  }
}

/** Between −1 and 1. */
const valueAt = (index: number): number => (hash(index) >>> 8) / 2 ** 23 - 1

/**
 * Of the size that weights of models have: one f16 of some hundred, and most scales of the 256 columns of `q6_k`, are
 * subnormal.
 */
const weightAt = (index: number): number => 0.02 * (valueAt(2 * index) + valueAt(2 * index + 1))

/** Rows that are generated; the others repeat them. */
const rowsMade = 8

/** One token reads this many bytes of weights, as the roof's loop does: the last level of some caches exceeds a matrix. */
const bytesRead = 2 ** 27

function weightsOf(device: Device, { m, ...workload }: FormatWorkload): readonly [Weight, ...Weight[]] {
  const make = weightMaker(device, workload)
  const weight = make()
  const copies = m === 1 ? Math.ceil(bytesRead / weight.byteLength) - 1 : 0
  return [weight, ...Array.from({ length: copies }, make)]
}

/** Makes equal matrices on the device, from bytes that are made once. */
function weightMaker(device: Device, { format, n, k }: Pick<FormatWorkload, 'format' | 'n' | 'k'>): () => Weight {
  const rows = Float32Array.from({ length: rowsMade * k }, (_, i) => weightAt(i))
  const repeated = <T extends Uint8Array | Float32Array>(of: T): T => {
    const all = new (of.constructor as new (length: number) => T)((of.length / rowsMade) * n)
    for (let at = 0; at < all.length; at += of.length) all.set(of, at)
    return all
  }
  if (/^b?f\d\d$/.test(format)) {
    const elements = encodeElements(repeated(rows), format as DType)
    return () => device.tensor(elements, [n, k], format as DType)
  }
  const blocks = findGgmlFormat(format)
  if (blocks) {
    const packer = ggmlPackers.find((candidate) => candidate.source === format && candidate.device === 'wasm')
    if (!packer) throw new TesseraError('missing-kernel', `bench: no packer for ${format} on wasm`)
    const bytes = packer.pack(repeated(blocks.encode(rows, [rowsMade, k])['blocks'] as Uint8Array), [n, k])
    return () => device.pack(packer.format, [n, k], bytes)
  }
  const grid = gridOf(format)
  const count = grid.kind === 'integer' ? 2 ** grid.bits : grid.values.length
  // 8-bit floats have codes that are NaN, and subnormal ones, which a row of weights has hardly any of.
  const codeAt = (i: number): number =>
    count === 256 && grid.kind === 'codebook' ? (hash(i) % 2) * 128 + 16 + (hash(i + 7) % 88) : hash(i) % count
  const matrix = {
    shape: [n, k] as const,
    grid,
    codes: Uint8Array.from({ length: n * k }, (_, i) => codeAt(i)),
    scales: new Float32Array(n * groupsPerRow(grid, k)).fill(1 / count),
  }
  const stored = packMatrix(matrix)
  const packer = rows8GridPacker(stored.format)
  const bytes = packer.pack(joinParts(stored.format, stored.parts, [n, k]), [n, k])
  return () => device.pack(packer.format, [n, k], bytes)
}

/** `int4/g32`, `int8/row`, `fp4/g32`, `nf4/g64`, `e4m3/row`. */
function gridOf(format: string): Grid {
  const [codes = '', span = ''] = format.split('/')
  const group = span === 'row' ? span : Number(span.slice(1))
  const table = tables[codes]
  if (/^normal[234]$/.test(codes)) return normalGrid(Number(codes[6]) as 2 | 3 | 4, group)
  if (table) return codebookGrid(table, group, 'f16')
  const bits = ([8, 4, 3, 2] as const).find((width) => codes === `int${width}`)
  if (bits === undefined) throw new TesseraError('invalid-option', `bench: no format ${format}`)
  return { kind: 'integer', bits, group, isSymmetric: true, scaleType: 'f16' }
}

const tables: Readonly<Record<string, CodebookId>> = { fp4: 'fp4_e2m1', nf4: 'nf4', e4m3: 'fp8_e4m3', e5m2: 'fp8_e5m2' }
