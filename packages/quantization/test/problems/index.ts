import type {
  EmbeddingInputs,
  EmbeddingOptions,
  GatedLinearInputs,
  GatedLinearOptions,
  LinearInputs,
  LinearOptions,
  QkvLinearInputs,
  QkvLinearOptions,
  RoundingOptions,
} from '@tessera-llm/kernels'
import { createRandom, type Device, encodeF16, type PackedTensor, sizeOf, type WeightPacker } from '@tessera-llm/tensor'
import { integers, normal, type OpProblem, values } from '@tessera-llm/testing'
import {
  type BlockType,
  codebookGrid,
  ggmlBlockTypes,
  type Grid,
  gridPacker,
  groupsPerRow,
  joinParts,
  normalGrid,
  packMatrix,
  type PackRows8Inputs,
  type PackRows8Options,
  type QuantizedMatrix,
  rows8GridPacker,
  rows8Packers,
} from '../../src/index.ts'

/** Offsets of the f16 fields of each block type, and the spread that gives weights of about unit size, for which tolerances are made. */
const halves: Readonly<Record<string, { readonly at: readonly number[]; readonly spread: number }>> = {
  q4_0: { at: [0], spread: 0.05 },
  q4_1: { at: [0, 2], spread: 0.05 },
  q5_0: { at: [0], spread: 0.02 },
  q5_1: { at: [0, 2], spread: 0.02 },
  q8_0: { at: [0], spread: 0.004 },
  q2_k: { at: [80, 82], spread: 0.03 },
  q3_k: { at: [108], spread: 0.01 },
  q4_k: { at: [0, 2], spread: 0.001 },
  q5_k: { at: [0, 2], spread: 0.0005 },
  q6_k: { at: [208], spread: 0.0002 },
  iq4_nl: { at: [0], spread: 0.01 },
  iq4_xs: { at: [0], spread: 0.0005 },
  tq1_0: { at: [52], spread: 0.8 },
  tq2_0: { at: [64], spread: 0.8 },
}

/** Bytes of a block that are scales of another kind, and values between which they give weights of about unit size. */
const exponents: Readonly<Record<string, { readonly count: number; readonly from: number; readonly to: number }>> = {
  mxfp4: { count: 1, from: 124, to: 126 },
  nvfp4: { count: 4, from: 16, to: 44 },
}

/** Stored rows of random codes with scales of a sensible size. */
export function randomBlocks(source: string, rows: number, columns: number, seed: number): Uint8Array {
  const { blockSize, blockBytes } = ggmlBlockTypes.find(({ id }) => id === source) as BlockType
  const random = createRandom(seed)
  const bytes = Uint8Array.from({ length: ((rows * columns) / blockSize) * blockBytes }, () => random.integer(256))
  const view = new DataView(bytes.buffer)
  const fields = halves[source]
  const scales = exponents[source]
  for (let at = 0; at < bytes.length; at += blockBytes) {
    for (const field of fields?.at ?? [])
      view.setUint16(at + field, encodeF16((fields?.spread ?? 0) * random.normal()), true)
    for (let i = 0; i < (scales?.count ?? 0); i++)
      bytes[at + i] = (scales?.from ?? 0) + random.integer((scales?.to ?? 0) - (scales?.from ?? 0) + 1)
  }
  return bytes
}

/** Rows whose codes are all 0, all of the highest bits, and all 7 (of e2m1 the largest): with inputs of one sign no sum is larger. */
function extremeBlocks(source: string, rows: number, columns: number): Uint8Array {
  const { blockSize, blockBytes } = ggmlBlockTypes.find(({ id }) => id === source) as BlockType
  const rowBytes = (columns / blockSize) * blockBytes
  const bytes = Uint8Array.from(
    { length: rows * rowBytes },
    (_, index) => [0, 0xff, 0x77][Math.floor(index / rowBytes) % 3] as number,
  )
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < bytes.length; at += blockBytes) {
    for (const field of halves[source]?.at ?? [])
      view.setUint16(at + field, encodeF16(halves[source]?.spread ?? 0), true)
    for (let i = 0; i < (exponents[source]?.count ?? 0); i++) bytes[at + i] = exponents[source]?.from ?? 0
    // The scales of groups, which count multiples of the f16.
    if (source === 'q6_k') bytes.fill(16, at + 192, at + 208)
  }
  return bytes
}

/** The largest sums of rounded inputs that codes allow, to either side. */
export function extremeLinearProblems(
  source: string,
  packers: readonly WeightPacker[],
): readonly OpProblem<LinearInputs, LinearOptions>[] {
  return [1, 5].map((tokens) => ({
    name: `${source}, largest sums, ${tokens} tokens`,
    inputs: {
      x: values(
        [tokens, 256],
        Float32Array.from({ length: tokens * 256 }, (_, index) => (Math.floor(index / 256) % 2 ? -1 : 1)),
      ),
      weight: (device: Device) => {
        const packer = packers.find(
          (candidate) => candidate.source === source && candidate.device === device.kind,
        ) as WeightPacker
        return device.pack(packer.format, [9, 256], packer.pack(extremeBlocks(source, 9, 256), [9, 256]))
      },
      bias: undefined,
      residual: undefined,
    },
    options: { activations: 'int8' },
  }))
}

/** Uploads the same stored weight in the form that the device's packer gives it. */
function weightOf(
  packers: readonly WeightPacker[],
  source: string,
  rows: number,
  columns: number,
): (device: Device) => PackedTensor {
  return (device) => {
    const packer = packers.find(
      (candidate) => candidate.source === source && candidate.device === device.kind,
    ) as WeightPacker
    const shape = [rows, columns]
    return device.pack(packer.format, shape, packer.pack(randomBlocks(source, rows, columns, 7), shape))
  }
}

/** Ways to round inputs; those by a given scale, beyond which a hundredth of them lies, and to 4 bits share all but the codes with the others, so that some sizes are enough. */
const roundings = ({ hasAll }: { readonly hasAll: boolean }): readonly RoundingOptions[] => [
  { activations: 'f32' },
  { activations: 'int8' },
  { activations: 'int8-token' },
  ...(hasAll ? ([{ activations: 'int8-static', inputScale: 0.02 }, { activations: 'int4-token' }] as const) : []),
]

/** `linear` on packed weights of one type: one token and several, groups that lack rows, bias and residual. */
export function packedLinearProblems(
  source: string,
  packers: readonly WeightPacker[],
): readonly OpProblem<LinearInputs, LinearOptions>[] {
  const { blockSize } = ggmlBlockTypes.find(({ id }) => id === source) as BlockType
  const columns = blockSize === 256 ? [256, 512] : [blockSize, 576]
  return [
    { tokens: 1, rows: 8 },
    { tokens: 1, rows: 37 },
    { tokens: 2, rows: 9 },
    { tokens: 4, rows: 16 },
    { tokens: 7, rows: 24 },
    { tokens: 133, rows: 10 },
  ].flatMap(({ tokens, rows }, index) =>
    roundings({ hasAll: index === 1 || index === 4 }).map((options) => {
      const width = columns[index % 2] as number
      return {
        name: `${source}, ${options.activations}, ${tokens} × ${width} → ${rows}`,
        inputs: {
          x: normal([tokens, width]),
          weight: weightOf(packers, source, rows, width),
          bias: index % 2 ? normal([rows], { seed: 3 }) : undefined,
          residual: index % 3 ? normal([tokens, rows], { seed: 4 }) : undefined,
        },
        options,
      }
    }),
  )
}

export function packedEmbeddingProblems(
  source: string,
  packers: readonly WeightPacker[],
): readonly OpProblem<EmbeddingInputs, EmbeddingOptions>[] {
  return [
    {
      name: source,
      inputs: { ids: integers([2, 5], 21), weight: weightOf(packers, source, 20, 256) },
      options: { scale: 1.25 },
    },
  ]
}

/** Projections whose weights are of one type, and of several, as files mix them. */
export function packedQkvProblems(
  packers: readonly WeightPacker[],
): readonly OpProblem<QkvLinearInputs, QkvLinearOptions>[] {
  return (
    [
      ['q4_1', 'q4_1', 'q4_1', 'f32'],
      ['q4_k', 'q4_k', 'q6_k', 'int8'],
      ['q5_0', 'q8_0', 'iq4_nl', 'f32'],
    ] as const
  ).map(([query, key, value, activations]) => ({
    name: `${query}, ${key} and ${value}, ${activations}`,
    inputs: {
      x: normal([1, 256], { scale: 3 }),
      norm: normal([256], { seed: 2, mean: 1, scale: 0.2 }),
      query: weightOf(packers, query, 40, 256),
      key: weightOf(packers, key, 16, 256),
      value: weightOf(packers, value, 12, 256),
      queryBias: normal([40], { seed: 3 }),
      keyBias: undefined,
      valueBias: undefined,
    },
    options: { eps: 1e-5, activations },
  }))
}

export function packedGatedProblems(
  packers: readonly WeightPacker[],
): readonly OpProblem<GatedLinearInputs, GatedLinearOptions>[] {
  return (
    [
      ['q4_1', 'q4_1'],
      ['q4_k', 'q5_k'],
    ] as const
  ).flatMap(([gate, up]) =>
    roundings({ hasAll: true }).map((rounding) => ({
      name: `${gate} and ${up}, ${rounding.activations}`,
      inputs: {
        x: normal([1, 256], { scale: 0.2 }),
        norm: rounding.activations === 'int8-token' ? undefined : normal([256], { seed: 2, scale: 0.2 }),
        gate: weightOf(packers, gate, 21, 256),
        up: weightOf(packers, up, 21, 256),
      },
      options: { kind: 'silu', eps: 1e-5, ...rounding },
    })),
  )
}

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
  // Of tables, the codes of moderate values: fp8 has NaN, infinities and thousands.
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

/** `linear` and `embedding` on a grid's matrix, on the reference device as it is stored; rows that end within a block. */
export function gridLinearProblems(grid: Grid, isForWasm = false): readonly OpProblem<LinearInputs, LinearOptions>[] {
  return [
    { tokens: 1, rows: 9, columns: 64 },
    { tokens: 1, rows: 8, columns: 80 },
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

/** The matrix of a grid, as the device reads it. `isForWasm`: as packing for WebAssembly rounds it, which a test of its own holds, on the reference device too. */
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

/** Rows of ggml blocks to be packed by a kernel: a whole weight, one that lacks rows, and rows in the middle of one. */
export function packRows8Problems(source: string): readonly OpProblem<PackRows8Inputs, PackRows8Options>[] {
  return [
    { rows: 40, blocks: 18, firstRow: 0, groups: 5 },
    { rows: 37, blocks: 2, firstRow: 0, groups: 5 },
    { rows: 1, blocks: 1, firstRow: 0, groups: 1 },
    { rows: 12, blocks: 3, firstRow: 16, groups: 6 },
  ].map(({ rows, blocks, firstRow, groups }) => {
    const columns = blocks * (ggmlBlockTypes.find(({ id }) => id === source) as BlockType).blockSize
    const stored = randomBlocks(source, rows, columns, 11)
    const { format } = rows8Packers.find((packer) => packer.source === source) as WeightPacker
    const shape = format.parts([8 * groups, columns])['groups']?.shape ?? []
    return {
      name: `${source}, rows ${firstRow} to ${firstRow + rows} of ${8 * groups}, ${columns} columns`,
      inputs: {
        stored: (device) => device.tensor(stored, [stored.length]),
        groups: (device) => device.tensor(new Uint8Array(sizeOf(shape)).fill(7), shape),
      },
      options: { source, columns, firstRow, rows },
    }
  })
}
