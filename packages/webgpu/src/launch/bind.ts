import { TesseraError } from '@tessera-llm/tensor'
import { bindingSize, type WebGpuStorage } from '../buffer/pool.ts'
import type { MutableCounters } from '../device/counters.ts'
import type { FailureState } from '../failure/failure.ts'
import type { CompiledPass } from './compile.ts'

/** Recurring shapes reuse the same few buffers; more combinations than this are churn and not worth caching. */
const maxBindGroupsPerPass = 256

/** Bind group of a pass over these storages: created once, and found again for the same buffers. */
export function bindGroupOf(
  pass: CompiledPass,
  storages: readonly WebGpuStorage[],
  device: GPUDevice,
  failures: FailureState,
  counters: MutableCounters,
): GPUBindGroup {
  const key = storages.map(({ slot, byteLength }) => `${slot.id}:${bindingSize(byteLength)}`).join()
  const known = pass.bindGroups.get(key)
  if (known) return known.group
  checkAliases(pass, storages)
  const entries: GPUBindGroupEntry[] = storages.map(({ slot, byteLength }, binding) => ({
    binding,
    resource: { buffer: slot.buffer, offset: 0, size: bindingSize(byteLength) },
  }))
  if (pass.uniform) entries.push({ binding: entries.length, resource: { buffer: pass.uniform.buffer } })
  counters.bindGroupsCreated += 1
  const group = failures.guard(
    'validation',
    () => device.createBindGroup({ label: pass.label, layout: pass.pipeline.layout, entries }),
    (message) => new TesseraError('invalid-kernel', `${pass.label}: its bindings are not valid: ${message}`),
  )
  const forget = () => {
    pass.bindGroups.delete(key)
    for (const { slot } of storages) slot.dependents.delete(forget)
  }
  for (const { slot } of storages) slot.dependents.add(forget)
  if (pass.bindGroups.size >= maxBindGroupsPerPass) pass.bindGroups.values().next().value?.forget()
  pass.bindGroups.set(key, { group, forget })
  return group
}

/** WebGPU forbids a buffer that one dispatch both reads and writes; throws first, with names. */
function checkAliases(pass: CompiledPass, storages: readonly WebGpuStorage[]): void {
  for (const [index, { slot }] of storages.entries()) {
    const other = storages.findIndex((storage, at) => at !== index && storage.slot === slot)
    if (pass.writes[index] && other >= 0) {
      throw new TesseraError(
        'invalid-value',
        `${pass.label}: ${pass.tensors[index]} and ${pass.tensors[other]} share memory, and ${pass.tensors[index]} is written; pass two different tensors`,
      )
    }
  }
}
