import { gatedLinearOp, linearOp, type QkvLinearOptions, qkvLinearOp } from '@tessera-llm/kernels'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { emulateDotAdd } from '@tessera-tooling/assembly/emulate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  gridLinearProblems,
  grids,
  int8RowProblems,
  packedGatedProblems,
  packedLinearProblems,
  packedQkvProblems,
} from '../../test/problems/index.ts'
import { ggmlPackers, gridFormat, rows8Packers } from '../index.ts'
import { quantizationWasm } from '../wasm.ts'

const reference = createReferenceDevice()

// Neither Node.js 20 nor every processor has the instruction, and no x86 one takes signed bytes.
describe.each(['unsigned', 'signed'] as const)('products of bytes that add to 32 bits, emulated, %s', (dotAdd) => {
  let device: WasmDevice
  beforeAll(async () => {
    const kernels = await emulateDotAdd('quantization', quantizationWasm, dotAdd)
    device = await createWasmDevice({ kernels: [...kernelsWasm, ...kernels], threads: 2 })
  })
  afterAll(() => device?.dispose())

  it.each(rows8Packers.map(({ source }) => source))('linear on %s', async (source) => {
    const runs = await conform(device, reference, linearOp, packedLinearProblems(source, ggmlPackers))
    expect(runs.map(({ kernel }) => kernel)).toContain('rows8-dot-add')
  })
  it.each(grids.map((grid) => [gridFormat(grid).id, grid] as const))('linear on %s', async (_, grid) => {
    await conform(device, reference, linearOp, gridLinearProblems(grid, true))
  })
  it('int8 by rows', async () => {
    const runs = await conform(device, reference, linearOp, int8RowProblems())
    expect(new Set(runs.map(({ kernel }) => kernel))).toEqual(new Set(['rows8-w8a8-dot-add']))
  })
  it('several products of one token', async () => {
    const isInt8 = ({ options: { activations } }: { readonly options: QkvLinearOptions }): boolean =>
      activations !== undefined && activations !== 'f32'
    await conform(device, reference, qkvLinearOp, packedQkvProblems(ggmlPackers).filter(isInt8))
    await conform(device, reference, gatedLinearOp, packedGatedProblems(ggmlPackers).filter(isInt8))
  })
})
