import type { Device } from '@tessera-llm/tensor'
import type { PackedSequences } from '../family/index.ts'

/** Uploads token ids to a device, sequence after sequence. The caller disposes of the tensors. */
export function packSequences(
  device: Device,
  sequences: readonly (readonly number[])[],
  types?: readonly (readonly number[])[],
): PackedSequences {
  const ids = Int32Array.from(sequences.flat())
  const positions = Int32Array.from(sequences.flatMap((sequence) => sequence.map((_, index) => index)))
  const cuSeqLens = new Int32Array(sequences.length + 1)
  for (const [index, { length }] of sequences.entries()) cuSeqLens[index + 1] = (cuSeqLens[index] as number) + length
  return {
    ids: device.tensor(ids, [ids.length]),
    positions: device.tensor(positions, [1, ids.length]),
    types: types && device.tensor(Int32Array.from(types.flat()), [ids.length]),
    cuSeqLens: device.tensor(cuSeqLens, [cuSeqLens.length]),
  }
}
