import { createRandom, type Device, encodeF16, type PackedTensor, type WeightPacker } from '@tessera-llm/tensor'
import { type BlockType, ggmlBlockTypes } from '../../src/index.ts'

/**
 * Offsets of the f16 fields of each block type, and the spread that gives weights of about unit size, for which
 * tolerances are made.
 */
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
  nvfp4: { count: 4, from: 4, to: 44 },
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

/**
 * Rows whose codes are all 0, all of the highest bits, all 7 (of e2m1 the largest), and all 4 (of iq4 the largest rest, as
 * its products split levels): with inputs of one sign no sum is larger.
 */
export function extremeBlocks(source: string, rows: number, columns: number): Uint8Array {
  const { blockSize, blockBytes } = ggmlBlockTypes.find(({ id }) => id === source) as BlockType
  const rowBytes = (columns / blockSize) * blockBytes
  const bytes = Uint8Array.from(
    { length: rows * rowBytes },
    (_, index) => [0, 0xff, 0x77, 0x44][Math.floor(index / rowBytes) % 4] as number,
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

/** Uploads the same stored weight in the form that the device's packer gives it. */
export function weightOf(
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
