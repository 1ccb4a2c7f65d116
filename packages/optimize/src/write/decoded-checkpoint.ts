import type { Checkpoint, MetadataValue, StoredTensor } from '@tessera-llm/formats'
import { ggufTransform } from '@tessera-llm/runtime'
import { bytesOf, type DType, TesseraError } from '@tessera-llm/tensor'
import type { Applied } from '../apply/index.ts'
import { decodeWeight } from '../quantize/index.ts'
import type { ModelWeight } from '../weights/index.ts'

const integers: readonly string[] = ['i64', 'i32', 'u8', 'bool'] satisfies DType[]

/**
 * The compressed model with its values decoded to f32, as a checkpoint for `loadModel`: computes the same function as
 * the compressed file, on any device, with or without kernels for its format. `metadata` is that of the original.
 *
 * @throws TesseraError `unsupported` for a folder with transformed inputs of `down`, which its config.json states and
 *   this checkpoint cannot: use `folderContent`
 */
export function decodedCheckpoint(
  { subject, assignments, weight }: Applied,
  metadata: Readonly<Record<string, MetadataValue>>,
): Checkpoint {
  const { downHadamard } = subject.config
  if (downHadamard !== undefined && subject.container !== 'gguf')
    throw new TesseraError(
      'unsupported',
      'optimize: this checkpoint cannot state that inputs of down are transformed, which the config.json of a folder does; use folderContent',
    )
  const transform = downHadamard === undefined ? [] : [ggufTransform(downHadamard)]
  const tensors = new Map<string, StoredTensor>()
  for (const each of subject.weights.values()) {
    // Integer buffers such as `position_ids` are no weights.
    if (integers.includes(each.format)) continue
    const byteLength = 4 * each.shape.reduce((product, length) => product * length, 1)
    const values = async (): Promise<Float32Array> =>
      assignments.has(each.name) ? decodeWeight((await weight(each.name)).weight) : each.read()
    tensors.set(each.storedName, {
      ...described(each),
      byteLength,
      read: async (offset = 0, length = byteLength - offset) =>
        bytesOf(await values()).subarray(offset, offset + length),
    })
  }
  const byteLength = [...tensors.values()].reduce((sum, tensor) => sum + tensor.byteLength, 0)
  return {
    container: subject.container === 'gguf' ? 'gguf' : 'safetensors',
    metadata: {
      ...metadata,
      ...Object.fromEntries(transform.map(([key, { value }]) => [key, value as MetadataValue])),
    },
    tensors,
    byteLength,
    close: async () => {},
  }
}

function described({ storedName, shape }: ModelWeight): Pick<StoredTensor, 'name' | 'shape' | 'format'> {
  return { name: storedName, shape, format: 'f32' }
}
