import { gatedLinearOp, linearOp, qkvLinearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createWasmDevice } from '@tessera-llm/wasm'
import { ggmlPackers } from '../src/index.ts'
import { quantizationWasm } from '../src/wasm.ts'
import {
  gridLinearProblems,
  grids,
  int8RowProblems,
  packedGatedProblems,
  packedLinearProblems,
  packedQkvProblems,
} from './problems/index.ts'

/** Grids whose codes no block type has: indices of levels of 16 bits, and octals and crumbs with one sum for 32 columns. */
const others = grids.filter((grid) => (grid.kind === 'integer' ? grid.bits < 4 : grid.values.length <= 16))

/**
 * Runs in a browser: `linear` on these block types, on grids and on int8 by rows, projections and gated products of one
 * token, on WebAssembly against the reference device. Returns how the platform's dot product that adds takes bytes, the
 * kernels of `linear` that conform, and the failures.
 */
export async function run(
  types: readonly string[],
): Promise<{ readonly dotAdd?: string; readonly kernels: readonly string[]; readonly failures: readonly string[] }> {
  const device = await createWasmDevice({ kernels: quantizationWasm, threads: 1 })
  const reference = createReferenceDevice()
  const kernels = new Set<string>()
  const failures: string[] = []
  const check = async (conforming: () => Promise<unknown>): Promise<void> => {
    try {
      await conforming()
    } catch (error) {
      failures.push(String(error))
    }
  }
  const linears = [
    ...types.map((type) => packedLinearProblems(type, ggmlPackers)),
    // Those of one token have no bias.
    ...others.map((grid) => gridLinearProblems(grid, true).filter(({ inputs }) => inputs.bias === undefined)),
    int8RowProblems(),
  ]
  for (const problems of linears)
    await check(async () => {
      for (const { kernel } of await conform(device, reference, linearOp, problems)) kernels.add(String(kernel))
    })
  const rounded = ({ options }: { readonly options: { readonly activations?: string | undefined } }): boolean =>
    options.activations !== 'f32'
  await check(() => conform(device, reference, qkvLinearOp, packedQkvProblems(ggmlPackers).filter(rounded)))
  await check(() => conform(device, reference, gatedLinearOp, packedGatedProblems(ggmlPackers).filter(rounded)))
  const { dotAdd } = device.wasm
  await device.dispose()
  return { ...(dotAdd && { dotAdd }), kernels: [...kernels].sort(), failures }
}
