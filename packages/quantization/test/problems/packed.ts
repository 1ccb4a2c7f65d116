import type {
  EmbeddingInputs,
  EmbeddingOptions,
  GatedLinearInputs,
  GatedLinearOptions,
  LinearInputs,
  LinearOptions,
  QkvLinearInputs,
  QkvLinearOptions,
} from '@tessera-llm/kernels'
import { type Device, sizeOf, type WeightPacker } from '@tessera-llm/tensor'
import { integers, normal, type OpProblem, values } from '@tessera-llm/testing'
import {
  type BlockType,
  ggmlBlockTypes,
  type PackRows8Inputs,
  type PackRows8Options,
  rows8Packers,
} from '../../src/index.ts'
import { extremeBlocks, randomBlocks, weightOf } from './blocks.ts'
import { roundings } from './rounding.ts'

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
