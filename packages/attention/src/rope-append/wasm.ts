import { denseSpec } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { attentionModule } from '../generated/attention.ts'
import { type RopeAppendInputs, ropeAppendOp } from './contract.ts'

/** Heads of q, k and v in one stage, with the same bits as `rms-norm`, `rope` and `kv-append`. */
export const ropeAppendWasm: WasmKernel = defineWasmKernel(ropeAppendOp, {
  name: 'heads',
  module: attentionModule,
  supports: ({ inputs: { keys, values } }) =>
    keys.shape[2] === values.shape[2] || `keys have room for ${keys.shape[2]} rows, values for ${values.shape[2]}`,
  stages({ inputs, options: { style, eps = 0, unitOffset = false } }) {
    const spec = (name: keyof RopeAppendInputs): ReturnType<typeof denseSpec> =>
      denseSpec(inputs[name], ropeAppendOp.id, name)
    const [batch = 0, length = 0, heads = 0, width = 0] = spec('q').shape
    const [, , kvHeads = 0, valueWidth = 0] = spec('v').shape
    const [keys, values] = [spec('keys'), spec('values')]
    return [
      {
        entry: 'ropeAppend',
        args(write, at) {
          for (const name of ['q', 'k', 'v', 'cos', 'sin', 'positions', 'keys', 'values', 'blockTable'] as const)
            write.u32(at.address(name))
          write
            .u32(inputs.blockTable?.shape[1] ?? 0)
            .u32(batch * length)
            .u32(length)
            .u32(heads)
            .u32(kvHeads)
            .u32(keys.shape[2] ?? 0)
            .u32(width)
            .u32(valueWidth)
            .u32(spec('cos').shape[1] ?? 0)
            .u32(style === 'neox' ? 1 : 0)
            .u32(keys.dtype === 'f16' ? 1 : 0)
            .u32(values.dtype === 'f16' ? 1 : 0)
            .u32(at.address('queryNorm'))
            .u32(at.address('keyNorm'))
            .f32(eps)
            .f32(unitOffset ? 1 : 0)
            .u32(at.scratch)
            .u32(scratchOf(width))
        },
      },
    ]
  },
  scratchBytes: ({ inputs: { k } }, threads) => scratchOf(k.shape[3] ?? 0) * threads,
})

/** Bytes of a head in f32, in whole lines of 64 bytes. */
const scratchOf = (width: number): number => Math.ceil(width / 16) * 64
