import { lastAxis, rowsOf, sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { roundModule } from '../generated/round.ts'
import { roundGroupsOp } from './contract.ts'

/** Codes of the scale types in `assembly/encode/groups.ts`. */
const scaleTypes = { f32: 0, f16: 1, bf16: 2 } as const

/** Scratch bytes: the state of a search, then values and weights of two groups in f64. */
const scratchBytes = (width: number): number => 128 + 32 * width

/**
 * Two groups at a time, one in each lane, every step in the reference's order: the same codes and scales on every build
 * and any number of threads.
 */
export const roundGroupsWasm: WasmKernel = defineWasmKernel(roundGroupsOp, {
  name: 'lanes',
  module: roundModule,
  supports: () => true,
  stages({ inputs: { values }, options: { bits, width, isSymmetric, scaleType, isPacked = false } }) {
    return [
      {
        entry: 'roundGroups',
        args(write, at) {
          write
            .u32(at.address('values'))
            .u32(at.address('importance'))
            .u32(at.address('codes'))
            .u32(at.address('scales'))
            .u32(at.address('zeros'))
            .u32(sizeOf(values.shape) / width)
            .u32(lastAxis(values.shape) / width)
            .u32(width)
            .u32(bits)
            .u32(isSymmetric ? 1 : 0)
            .u32(scaleTypes[scaleType])
            .u32(at.scratch)
            .u32(scratchBytes(width))
            .u32(isPacked ? 1 : 0)
        },
      },
    ]
  },
  scratchBytes: ({ options: { width }, inputs: { values } }, threads) =>
    rowsOf(values.shape) > 0 ? scratchBytes(width) * threads : 0,
})
