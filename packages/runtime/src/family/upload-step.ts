import type { Device } from '@tessera-llm/tensor'
import type { StepInputs } from './model.ts'

/** Uploads the tokens of a step that starts at position `begin`. The caller, or a scope, disposes of the tensors. */
export function uploadStep(device: Device, ids: readonly number[], begin = 0): StepInputs {
  return {
    ids: device.tensor(Int32Array.from(ids), [ids.length]),
    positions: device.tensor(
      Int32Array.from(ids, (_, index) => begin + index),
      [1, ids.length],
    ),
    start: device.tensor(Int32Array.of(begin), [1]),
    lengths: device.tensor(Int32Array.of(begin + ids.length), [1]),
  }
}
