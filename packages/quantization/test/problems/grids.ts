import type { EmbeddingInputs, EmbeddingOptions, LinearInputs, LinearOptions } from '@tessera-llm/kernels'
import { createRandom, type Device, type PackedTensor } from '@tessera-llm/tensor'
import { integers, normal, type OpProblem } from '@tessera-llm/testing'
import {
  codebookGrid,
  type Grid,
  gridPacker,
  groupsPerRow,
  joinParts,
  normalGrid,
  packMatrix,
  type QuantizedMatrix,
  rows8GridPacker,
} from '../../src/index.ts'
import { roundings } from './rounding.ts'

/** Grids that the WebAssembly kernels take: every width, groups of every kind, with and without zero points. */
export const grids: readonly Grid[] = [
  ...([8, 4, 3, 2] as const).flatMap((bits) =>
    [true, false].map(
      (isSymmetric): Grid => ({ kind: 'integer', bits, group: isSymmetric ? 64 : 32, isSymmetric, scaleType: 'f32' }),
    ),
  ),
  { kind: 'integer', bits: 4, group: 32, isSymmetric: true, scaleType: 'f16' },
  { kind: 'integer', bits: 4, group: 'tensor', isSymmetric: true, scaleType: 'f32' },
  { kind: 'integer', bits: 8, group: 'row', isSymmetric: true, scaleType: 'f32' },
  { kind: 'integer', bits: 8, group: 'row', isSymmetric: false, scaleType: 'bf16' },
  { kind: 'integer', bits: 4, group: 128, isSymmetric: false, scaleType: 'f16' },
  codebookGrid('fp4_e2m1', 32, 'e8m0'),
  codebookGrid('fp4_e2m1', 'row', 'f16'),
  codebookGrid('nf4', 64),
  normalGrid(4, 'row', 'f32'),
  normalGrid(3, 32),
  normalGrid(2, 'tensor', 'f32'),
  codebookGrid('fp8_e4m3', 32),
  codebookGrid('fp8_e4m3', 'row', 'f32'),
  codebookGrid('fp8_e5m2', 128, 'bf16'),
]

/** Those of integers, and tables that the WebGPU kernels read as well. */
export const wholeGrids: readonly Grid[] = grids
  .filter(({ kind, group, scaleType }) => kind === 'integer' && !(group === 64 && scaleType === 'f32'))
  .concat([
    { kind: 'integer', bits: 3, group: 16, isSymmetric: true, scaleType: 'f16' },
    { kind: 'integer', bits: 2, group: 8, isSymmetric: true, scaleType: 'bf16' },
  ])
export const tableGrids: readonly Grid[] = [
  codebookGrid('nf4', 64),
  codebookGrid('fp4_e2m1', 32, 'e8m0'),
  codebookGrid('fp4_e2m1', 'row', 'f16'),
  codebookGrid('fp8_e4m3', 'row', 'f32'),
  codebookGrid('fp8_e5m2', 32),
  normalGrid(3, 'tensor', 'f32'),
  normalGrid(2, 64),
]

/** Random codes and scales of about unit weights; zero points that are no integers. */
export function randomMatrix(grid: Grid, rows: number, columns: number): QuantizedMatrix {
  const random = createRandom(5)
  const count = grid.kind === 'integer' ? 2 ** grid.bits : grid.values.length
  // Codes of moderate values only: the table of fp8 contains NaN, infinities and thousands.
  const usable = Array.from({ length: count }, (_, code) => code).filter(
    (code) => grid.kind === 'integer' || Math.abs(grid.values[code] as number) <= 8,
  )
  const groups = grid.group === 'tensor' ? 1 : rows * groupsPerRow(grid, columns)
  return {
    shape: [rows, columns],
    grid,
    codes: Uint8Array.from({ length: rows * columns }, () => usable[random.integer(usable.length)] as number),
    // Powers of two times 1, 1.25, 1.5 are values of every type but e8m0.
    scales: Float32Array.from(
      { length: groups },
      () =>
        ((grid.scaleType === 'e8m0' ? 1 : 1 + random.integer(3) / 4) * 2 ** random.integer(2)) /
        (grid.kind === 'integer' ? count : 8),
    ),
    zeros:
      grid.kind === 'integer' && !grid.isSymmetric
        ? Float32Array.from({ length: groups }, () => count / 2 + random.integer(5) / 4)
        : undefined,
  }
}

/**
 * `linear` and `embedding` on a grid's matrix, on the reference device as it is stored; rows that end within a block.
 */
export function gridLinearProblems(grid: Grid, isForWasm = false): readonly OpProblem<LinearInputs, LinearOptions>[] {
  return [
    { tokens: 1, rows: 9, columns: 64 },
    { tokens: 1, rows: 43, columns: 80 },
    { tokens: 5, rows: 13, columns: 576 },
    { tokens: 6, rows: 8, columns: 83 },
    { tokens: 131, rows: 8, columns: 160 },
  ].flatMap(({ tokens, rows, columns }) =>
    roundings({ hasAll: columns === 80 || columns === 83 }).map((options) => ({
      name: `${options.activations}, ${tokens} × ${columns} → ${rows}`,
      inputs: {
        x: normal([tokens, columns]),
        weight: gridWeight(grid, rows, columns, isForWasm),
        bias: tokens === 1 ? undefined : normal([rows], { seed: 3 }),
        residual: undefined,
      },
      options,
    })),
  )
}

/** int8 with one scale a row, which whole rows are summed of. */
export const int8Rows: Grid = { kind: 'integer', bits: 8, group: 'row', isSymmetric: true, scaleType: 'f32' }

/** `linear` on them with more rows than are laid out at a time: 2^18 bytes hold 10 or 20 groups of 8 of 1536 columns. */
export function int8RowProblems(): readonly OpProblem<LinearInputs, LinearOptions>[] {
  return [
    { tokens: 9, bias: true, residual: true },
    { tokens: 8, bias: false, residual: true },
    { tokens: 5, bias: true, residual: false },
  ].map(({ tokens, bias, residual }) => ({
    name: `int8 by rows, ${tokens} tokens`,
    inputs: {
      x: normal([tokens, 1536]),
      weight: gridWeight(int8Rows, 164, 1536),
      bias: bias ? normal([164], { seed: 3 }) : undefined,
      residual: residual ? normal([tokens, 164], { seed: 4 }) : undefined,
    },
    options: { activations: 'int8-token' as const },
  }))
}

export function gridEmbeddingProblems(
  grid: Grid,
  isForWasm = false,
): readonly OpProblem<EmbeddingInputs, EmbeddingOptions>[] {
  return [
    {
      name: 'rows of 80',
      inputs: { ids: integers([7], 21), weight: gridWeight(grid, 20, 80, isForWasm) },
      options: {},
    },
  ]
}

/** Tables whose values the packer rounds to 16 bits. */
export function isRounded(grid: Grid): boolean {
  return grid.kind === 'codebook' && grid.values.length <= 16 && grid.id !== 'fp4_e2m1'
}

/**
 * The matrix of a grid, as the device reads it. `isForWasm`: as packing for WebAssembly rounds it, which a test of its
 * own holds, on the reference device too.
 */
export function gridWeight(
  grid: Grid,
  rows: number,
  columns: number,
  isForWasm = false,
): (device: Device) => PackedTensor {
  return (device) => {
    const { format, parts } = packMatrix(randomMatrix(grid, rows, columns))
    const packer =
      device.kind === 'wasm' || (isForWasm && isRounded(grid)) ? rows8GridPacker(format) : gridPacker(format)
    return device.pack(
      packer.format,
      [rows, columns],
      packer.pack(joinParts(format, parts, [rows, columns]), [rows, columns]),
    )
  }
}
