import {
  type Checkpoint,
  type GgufCheckpoint,
  type GgufContent,
  type MetadataValue,
  type StoredTensor,
  storageFormat,
  storedBytes,
  type TensorData,
} from '@tessera-llm/formats'
import { TesseraError } from '@tessera-llm/tensor'
import { blocksReader, withBlocks } from '../weights/index.ts'

/**
 * The content of a GGUF file as a checkpoint, which converts a model without writing that file. Tensors are computed
 * when they are read.
 */
export function ggufCheckpointOf({ metadata, tensors }: GgufContent): GgufCheckpoint {
  const typedMetadata = new Map(metadata)
  // Nested arrays, which hold typed values, do not occur in models' metadata.
  const plain = Object.fromEntries([...typedMetadata].map(([key, { value }]) => [key, value as MetadataValue]))
  return { ...checkpointOf(tensors), container: 'gguf', version: 3, alignment: 32, metadata: plain, typedMetadata }
}

/** The content of safetensors files as a checkpoint. */
export function safetensorsCheckpointOf(tensors: readonly TensorData[]): Checkpoint {
  return { ...checkpointOf(tensors), container: 'safetensors', metadata: {} }
}

function checkpointOf(tensors: readonly TensorData[]): Pick<Checkpoint, 'tensors' | 'byteLength' | 'close'> {
  const stored = tensors.map(storedTensor)
  return {
    tensors: new Map(stored.map((tensor) => [tensor.name, tensor])),
    byteLength: stored.reduce((sum, { byteLength }) => sum + byteLength, 0),
    close: async () => {},
  }
}

function storedTensor(tensor: TensorData): StoredTensor {
  const { name, shape, format } = tensor
  const byteLength = storedBytes(storageFormat(format), shape)
  if (typeof byteLength === 'string') throw new TesseraError('invalid-shape', `convert: ${name}: ${byteLength}`)
  const stored: StoredTensor = {
    name,
    shape,
    format,
    byteLength,
    // A tensor that is computed as a whole must be written as a whole: reading it in pieces would compute it for each
    // piece.
    ...('bytes' in tensor && { bytes: tensor.bytes }),
    async read(offset = 0, length = byteLength - offset, signal) {
      if ('read' in tensor) return tensor.read(offset, length, signal)
      const bytes = typeof tensor.bytes === 'function' ? await tensor.bytes() : tensor.bytes
      return bytes.subarray(offset, offset + length)
    },
  }
  return withBlocks(stored, blocksReader(tensor))
}
