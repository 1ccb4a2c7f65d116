import type { GgufCheckpoint, GgufValue, StoredTensor, TensorData } from '@tessera-llm/formats'

/** An in-memory checkpoint with replaced tensors and, if given, metadata; the rest is read from `base`. */
export async function changedCheckpoint(
  base: GgufCheckpoint,
  changes: readonly TensorData[],
  metadata: ReadonlyMap<string, GgufValue> = base.typedMetadata,
): Promise<GgufCheckpoint> {
  const tensors = new Map(base.tensors)
  for (const change of changes) if (!isUnchanged(base, change)) tensors.set(change.name, await inMemory(change))
  const plain = Object.fromEntries(
    [...metadata].flatMap(([key, { type, value }]) => (type === 'array' ? [] : [[key, value]])),
  )
  return { ...base, tensors, typedMetadata: metadata, metadata: { ...base.metadata, ...plain } }
}

function isUnchanged(base: GgufCheckpoint, change: TensorData): boolean {
  return base.tensors.get(change.name) === change
}

async function inMemory(tensor: TensorData): Promise<StoredTensor> {
  if (!('bytes' in tensor)) throw new Error(`${tensor.name} lies in another file`)
  const bytes = typeof tensor.bytes === 'function' ? await tensor.bytes() : tensor.bytes
  return {
    name: tensor.name,
    shape: tensor.shape,
    format: tensor.format,
    byteLength: bytes.length,
    read: async (offset = 0, length = bytes.length - offset) => bytes.subarray(offset, offset + length),
  }
}
