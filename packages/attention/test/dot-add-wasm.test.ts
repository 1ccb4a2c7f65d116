import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createWasmDevice } from '@tessera-llm/wasm'
import { emulateDotAdd } from '@tessera-tooling/assembly/emulate'
import { expect, it } from 'vitest'
import { attentionOp } from '../src/index.ts'
import { attentionWasm } from '../src/wasm.ts'
import { quantizedProblems } from './cases/attention-quantized.ts'

// Neither Node.js 20 nor every processor has the instruction, and no x86 one takes signed bytes.
it.each(['unsigned', 'signed'] as const)(
  'packed caches by products of bytes that add to 32 bits, emulated, %s',
  async (dotAdd) => {
    const kernels = await emulateDotAdd('attention', attentionWasm, dotAdd)
    const device = await createWasmDevice({ kernels, threads: 2 })
    const runs = await conform(device, createReferenceDevice(), attentionOp, quantizedProblems)
    expect(runs.map(({ kernel }) => kernel)).toContain('decode')
    await device.dispose()
  },
)
