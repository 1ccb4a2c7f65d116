import { type Problem, sizeOf, TesseraError } from '@tessera-llm/tensor'
import { type ArgumentWriter, defineWasmKernel, instantiateStandalone, type WasmKernel } from '@tessera-llm/wasm'
import { gptqModule } from '../../generated/gptq.ts'
import { searchStep, searchSteps } from '../scale/index.ts'
import { simulated } from './grid-target.ts'
import type { GptqKernel } from './kernel.ts'
import { keepRows, mostCodes, mostColumns, panelsOf, takesPanels } from './panels.ts'
import { type SweepRowsInputs, type SweepRowsOptions, type SweepRowsOutputs, sweepRowsOp } from './sweep-rows.ts'

/** Rows of a panel, the lanes of two vectors. */
const lanes = 8
/** Fraction bits that a scale loses to its type. */
const cutBits = { f32: 0, f16: 13, bf16: 16 } as const

/** Eight rows at a time, every step in f32: the same codes on any number of threads. */
export const sweepRowsWasm: WasmKernel = defineWasmKernel(sweepRowsOp, {
  name: 'panels',
  module: gptqModule,
  supports: ({ inputs: { table, weights } }) =>
    (table === undefined || sizeOf(table.shape) <= mostCodes) && (weights.shape[1] ?? 0) <= mostColumns
      ? true
      : `tables of more than ${mostCodes} values and more than ${mostColumns} columns are left to f64`,
  stages: (problem) => [
    {
      entry: 'sweepRows',
      args(write, at) {
        for (const name of addressed) write.u32(at.address(name))
        const [rows = 0, columns = 0] = problem.inputs.weights.shape
        const tableSize = problem.inputs.table ? sizeOf(problem.inputs.table.shape) : 0
        writeSizes(
          write,
          { rows, columns, tableSize, table: at.address('table'), scratch: at.scratch },
          problem.options,
        )
      },
    },
  ],
  scratchBytes: ({ inputs: { weights }, options }: SweepRowsProblem, threads) =>
    threads * scratchBytes(weights.shape[1] ?? 0, options),
})

type SweepRowsProblem = Problem<SweepRowsInputs, SweepRowsOutputs, SweepRowsOptions>

/** In the order of the arguments of `sweepRows` (assembly/gptq/rows.ts). */
const addressed = [
  'weights',
  'order',
  'factor',
  'hessian',
  'mismatch',
  'triangles',
  'codes',
  'scales',
  'zeros',
  'loss',
] as const
const argumentBytes = 128

interface Sizes {
  readonly rows: number
  readonly columns: number
  readonly table: number
  readonly tableSize: number
  readonly scratch: number
}

/**
 * Writes the words after the addresses: sizes, then the grid's fields as assembly/gptq/grid.ts names them, except its
 * table's addresses.
 */
function writeSizes(
  write: ArgumentWriter,
  { rows, columns, table, tableSize, scratch }: Sizes,
  options: SweepRowsOptions,
): void {
  const { width, passes, rule, scaleType, isSymmetric, bits } = options
  const isSearch = rule === 'search'
  const step =
    bits === undefined
      ? searchStep({ kind: 'codebook', id: '', values: new Float32Array(tableSize), group: width, scaleType })
      : searchStep({ kind: 'integer', bits, group: width, isSymmetric, scaleType })
  write
    .u32(rows)
    .u32(columns)
    .u32(width)
    .u32(passes)
    .u32(isSearch ? simulated : 1)
  write.u32(table).u32(tableSize).u32(scratch).u32(scratchBytes(columns, options))
  write.u32(bits === undefined ? 1 : 0)
  write.f32(bits === undefined ? tableSize - 1 : 2 ** bits - 1)
  write.u32(isSymmetric ? 1 : 0)
  write.u32(cutBits[scaleType])
  write.u32(isSearch ? searchSteps : 1)
  write.f32(1).f32(step)
  write.u32(0).u32(0)
  write.f32(bits === undefined ? 0 : 2 ** (bits - 1))
  write.u32(isSearch && !isSymmetric ? 3 : 1)
}

/** Scratch bytes of one thread, laid out by `sweepEight`. */
function scratchBytes(columns: number, { width, rule }: SweepRowsOptions): number {
  const stride = 4 * Math.ceil(columns / 4)
  const small = 64 + 8 * mostCodes + 64 + 32 + 96 * (rule === 'search' ? simulated : 1) + 8 * width + 64
  return 64 * Math.ceil((small + 4 * lanes * (6 * stride + 2 * width) + 12 * stride) / 64)
}

/** Rows that a kernel without a device holds at a time. */
const sliceRows = 64

/**
 * The same without a device, on the calling thread, for `gptq` as `kernel`: integers and tables of up to 16 codes in
 * groups of up to 512 columns, in a third of the time that f64 takes. It keeps 12 · maxColumns² bytes.
 *
 * @param maxColumns the most inputs of a weight that will come
 * @throws TesseraError `unsupported` where WebAssembly SIMD is missing, `invalid-option` for more than 16 384 columns
 */
export async function createWasmGptqKernel(maxColumns: number): Promise<GptqKernel> {
  if (!(Number.isInteger(maxColumns) && maxColumns > 0 && maxColumns <= mostColumns)) {
    throw new TesseraError(
      'invalid-option',
      `gptq: the kernel takes up to ${mostColumns} columns, got ${maxColumns}; leave it out for wider weights`,
    )
  }
  const most = 4 * Math.ceil(maxColumns / 4)
  const widest = scratchBytes(most, { width: 512, rule: 'search', passes: 1, scaleType: 'f32', isSymmetric: true })
  // Triangles are most where a group is widest; codes, scales and zeros of a column each take no more than four bytes
  // of each row.
  const bytes = 4 * (3 * most ** 2 + most + (most + 512) * 512 + sliceRows * (4 * most + 1) + mostCodes) + widest
  const { exports, buffer } = await instantiateStandalone(gptqModule, bytes + argumentBytes + 64 * 16)
  const sweepRows = exports['sweepRows'] as (args: number, thread: number, threads: number) => void
  return {
    supports: (grid, columns) => columns <= maxColumns && takesPanels(grid, columns),
    round(plan, { values, shape: [rows, columns] }, store) {
      const { options, stride, ...panels } = panelsOf(plan, store)
      let end = argumentBytes
      const place = (byteLength: number): number => {
        const at = end
        end += 64 * Math.ceil(byteLength / 64)
        return at
      }
      const put = (array: Float32Array | Int32Array | undefined): number => {
        if (!array) return 0
        const at = place(array.byteLength)
        new Uint8Array(buffer, at, array.byteLength).set(
          new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
        )
        return at
      }
      const { groups } = store
      const held = Math.min(rows, sliceRows)
      const weights = place(4 * held * columns)
      const at = {
        weights,
        order: put(panels.order),
        factor: put(panels.factor),
        hessian: put(panels.hessian),
        mismatch: put(panels.mismatch),
        triangles: put(panels.triangles),
        codes: place(held * columns),
        scales: place(4 * held * groups),
        zeros: place(4 * held * groups),
        loss: place(4 * held),
      }
      const table = put(panels.table)
      const scratch = place(scratchBytes(columns, options))
      let loss = 0
      for (let first = 0; first < rows; first += sliceRows) {
        const count = Math.min(sliceRows, rows - first)
        new Float32Array(buffer, weights, count * columns).set(
          values.subarray(first * columns, (first + count) * columns),
        )
        const write = writerAt(buffer)
        for (const name of addressed) write.u32(at[name])
        const tableSize = panels.table?.length ?? 0
        writeSizes(write, { rows: count, columns, table, tableSize, scratch }, options)
        sweepRows(0, 0, 1)
        loss += keepRows(store, plan.order, first, {
          codes: new Uint8Array(buffer, at.codes, count * columns),
          scales: new Float32Array(buffer, at.scales, count * groups),
          zeros: new Float32Array(buffer, at.zeros, count * groups),
          loss: new Float32Array(buffer, at.loss, count),
        })
      }
      return loss
    },
  }
}

function writerAt(buffer: ArrayBuffer): ArgumentWriter {
  const view = new DataView(buffer)
  let at = 0
  const next = (): number => {
    at += 4
    return at - 4
  }
  const writer: ArgumentWriter = {
    u32(value) {
      view.setUint32(next(), value, true)
      return writer
    },
    i32(value) {
      view.setInt32(next(), value, true)
      return writer
    },
    f32(value) {
      view.setFloat32(next(), value, true)
      return writer
    },
  }
  return writer
}
