import { type Checkpoint, storageFormat, type TensorData } from '@tessera-llm/formats'
import { bytesOf, encodeElements } from '@tessera-llm/tensor'
import type { Subject } from '../subject/index.ts'
import type { ModelWeight } from '../weights/index.ts'

/** Storage format of a changed weight that no step quantizes. */
export function changedFormat({ shape }: Pick<ModelWeight, 'shape'>): 'f16' | 'f32' {
  return shape.length > 1 ? 'f16' : 'f32'
}

/**
 * A weight that no step quantizes: its stored bytes, or, if a step changed it, values in `changedFormat`. Formats
 * without a safetensors type are decoded exactly.
 */
export function keptWeight(weight: ModelWeight, original: Subject, checkpoint: Checkpoint): TensorData {
  const stored = original.weights.get(weight.name) === weight ? checkpoint.tensors.get(weight.storedName) : undefined
  const { storedName: name, shape } = weight
  if (!stored) return changedWeight(weight)
  if (checkpoint.container === 'gguf' || storageFormat(stored.format).safetensorsDtype !== undefined) return stored
  return { name, shape, format: 'f32', bytes: async () => bytesOf(await weight.read()) }
}

function changedWeight(weight: ModelWeight): TensorData {
  const format = changedFormat(weight)
  return {
    name: weight.storedName,
    shape: weight.shape,
    format,
    bytes: async () => bytesOf(encodeElements(await weight.read(), format)),
  }
}
