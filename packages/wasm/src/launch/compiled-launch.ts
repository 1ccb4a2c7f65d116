import { type Capabilities, type Launch, type Problem, TesseraError } from '@tessera-llm/tensor'
import type { Bindings, WasmKernel, WasmStage } from '../kernel/kernel.ts'

/** Stages derived from a problem, cached under the problem's key. */
export interface CompiledLaunch {
  readonly stages: readonly { readonly index: number; readonly stage: WasmStage; readonly label: string }[]
  readonly scratchBytes: number
}

export function compileLaunch(
  kernel: WasmKernel,
  problem: Problem,
  indices: ReadonlyMap<string, number>,
  capabilities: Capabilities,
  threads: number,
): CompiledLaunch {
  const stages = kernel.stages(problem, capabilities).map((stage) => {
    const index = indices.get(`${kernel.module.name}/${stage.entry}`)
    if (index === undefined)
      throw new TesseraError(
        'invalid-kernel',
        `wasm: ${kernel.op}/${kernel.name} names the entry ${stage.entry}, which its module ${kernel.module.name} does not export`,
      )
    return { index, stage, label: `${kernel.op}/${kernel.name}/${stage.entry}` }
  })
  return { stages, scratchBytes: kernel.scratchBytes?.(problem, threads, capabilities) ?? 0 }
}

/** Location of a tensor in the arena. */
export interface WasmStorage {
  readonly byteLength: number
  /** Moves at most once: if the host writes into it while a plan is captured. */
  address: number
  /** Whether it was made inside a capture, so that the memory belongs to the plan. */
  readonly isPlanned: boolean
  /** Number of recorded plans that refer to it; freed memory is given back when none is left. */
  pins: number
  freed: boolean
}

/** Addresses by name for one launch. */
export function bindingsOf({ op, inputs, outputs }: Launch<WasmKernel>, scratch: number, threads: number): Bindings {
  return {
    scratch,
    threads,
    address(name) {
      const storage = storageOf(name, inputs, outputs)
      if (storage === undefined)
        throw new TesseraError(
          'invalid-kernel',
          `wasm: a kernel of ${op.id} asks for the address of ${name}, which is no output, no dense input and no part of a packed one`,
        )
      return storage === 'absent' ? 0 : storage.address
    },
  }
}

/** All storages that a launch uses. */
export function storagesOf({ inputs, outputs }: Launch<WasmKernel>): readonly WasmStorage[] {
  const found: WasmStorage[] = []
  for (const weight of [...Object.values(inputs), ...Object.values(outputs)]) {
    if (weight === undefined) continue
    for (const tensor of weight.kind === 'dense' ? [weight] : Object.values(weight.parts))
      found.push(tensor.storage as WasmStorage)
  }
  return found
}

function storageOf(
  name: string,
  inputs: Launch<WasmKernel>['inputs'],
  outputs: Launch<WasmKernel>['outputs'],
): WasmStorage | 'absent' | undefined {
  const output = outputs[name]
  if (output) return output.storage as WasmStorage
  const [input = '', part] = name.split('.')
  const weight = inputs[input]
  if (weight === undefined) return 'absent'
  if (weight.kind === 'dense') return part === undefined ? (weight.storage as WasmStorage) : undefined
  return part === undefined ? undefined : (weight.parts[part]?.storage as WasmStorage | undefined)
}
