import type { EmbeddingInputs, EmbeddingOptions, LinearInputs, LinearOptions } from '@tessera-llm/kernels'
import { createRandom, type Device, encodeF16, type PackedTensor, type WeightPacker } from '@tessera-llm/tensor'
import { integers, normal, type OpProblem } from '@tessera-llm/testing'
import { type BlockType, ggmlBlockTypes } from '../../src/index.ts'

/** Offsets of the f16 fields of each block type. */
const halves: Readonly<Record<string, readonly number[]>> = { q4_0: [0], q4_1: [0, 2], q5_0: [0], q5_1: [0, 2], q8_0: [0], q4_k: [0, 2], q5_k: [0, 2], q6_k: [208] }

/** Spread of the f16 fields that gives weights of about unit size, for which tolerances are made. */
const spreads: Readonly<Record<string, number>> = { q4_0: 0.05, q4_1: 0.05, q5_0: 0.02, q5_1: 0.02, q8_0: 0.004, q4_k: 0.001, q5_k: 0.0005, q6_k: 0.0002 }

/** Stored rows of random codes with scales of a sensible size. */
export function randomBlocks(source: string, rows: number, columns: number, seed: number): Uint8Array {
  const { blockSize, blockBytes } = ggmlBlockTypes.find(({ id }) => id === source) as BlockType
  const random = createRandom(seed)
  const bytes = Uint8Array.from({ length: ((rows * columns) / blockSize) * blockBytes }, () => random.integer(256))
  const view = new DataView(bytes.buffer)
  const spread = spreads[source] as number
  for (let at = 0; at < bytes.length; at += blockBytes) for (const field of halves[source] ?? []) view.setUint16(at + field, encodeF16(spread * random.normal()), true)
  return bytes
}

/** Uploads the same stored weight in the form that the device's packer gives it. */
function weightOf(packers: readonly WeightPacker[], source: string, rows: number, columns: number): (device: Device) => PackedTensor {
  return (device) => {
    const packer = packers.find((candidate) => candidate.source === source && candidate.device === device.kind) as WeightPacker
    const shape = [rows, columns]
    return device.pack(packer.format, shape, packer.pack(randomBlocks(source, rows, columns, 7), shape))
  }
}

/** `linear` on packed weights of one type: one token and several, groups that lack rows, bias and residual. */
export function packedLinearProblems(source: string, packers: readonly WeightPacker[]): readonly OpProblem<LinearInputs, LinearOptions>[] {
  const columns = source.endsWith('_k') ? [256, 512] : [32, 576]
  return [
    { tokens: 1, rows: 8 }, { tokens: 1, rows: 37 }, { tokens: 2, rows: 9 }, { tokens: 4, rows: 16 }, { tokens: 7, rows: 24 }, { tokens: 133, rows: 10 },
  ].flatMap(({ tokens, rows }, index) =>
    (['f32', 'int8'] as const).map((activations) => {
      const width = columns[index % 2] as number
      return {
        name: `${source}, ${activations}, ${tokens} × ${width} → ${rows}`,
        inputs: {
          x: normal([tokens, width]), weight: weightOf(packers, source, rows, width),
          bias: index % 2 ? normal([rows], { seed: 3 }) : undefined, residual: index % 3 ? normal([tokens, rows], { seed: 4 }) : undefined,
        },
        options: { activations },
      }
    }),
  )
}

export function packedEmbeddingProblems(source: string, packers: readonly WeightPacker[]): readonly OpProblem<EmbeddingInputs, EmbeddingOptions>[] {
  return [{ name: source, inputs: { ids: integers([2, 5], 21), weight: weightOf(packers, source, 20, 256) }, options: { scale: 1.25 } }]
}
