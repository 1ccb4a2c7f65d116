import type { Checkpoint, StoredTensor } from '@tessera-llm/formats'
import { firstNonFinite, findGgmlFormat } from '@tessera-llm/quantization'
import { bytesOf, decodeToF32, type DType, formatShape, sizeOf, TesseraError, viewBytes } from '@tessera-llm/tensor'
import { canonicalName } from '../names/index.ts'
import type { ModelWeight, ModelWeights } from './model-weights.ts'
import { blocksReader, type ReadBlocks, withBlocks } from './stored-blocks.ts'

const denseFormats: readonly string[] = ['f32', 'f16', 'bf16', 'f64'] satisfies DType[]

/**
 * The weights of a checkpoint, decoded exactly when they are read.
 *
 * @throws TesseraError on reading: `unsupported` for a format without a decoder, `invalid-value` for NaN or infinite
 *   weights, naming tensor and index
 */
export function checkpointWeights(checkpoint: Checkpoint): ModelWeights {
  const weights = new Map<string, ModelWeight>()
  for (const stored of checkpoint.tensors.values()) {
    // Scales of inputs apply to codes of weights, which are decoded here.
    if (stored.name.endsWith('.input_scale')) continue
    const name = canonicalName(stored.name)
    if (weights.has(name))
      throw new TesseraError(
        'invalid-file',
        `optimize: ${stored.name} and ${weights.get(name)?.storedName} are both ${name}`,
      )
    const weight: ModelWeight = {
      name,
      storedName: stored.name,
      shape: stored.shape,
      format: stored.format,
      storedBytes: stored.byteLength,
      read: async (signal) => checkFinite(stored, await valuesOf(stored, signal)),
    }
    weights.set(name, withBlocks(weight, blocksReader(stored) ?? storedBlocks(stored)))
  }
  return weights
}

/** The blocks of a tensor that is stored in some. */
function storedBlocks(stored: StoredTensor): ReadBlocks | undefined {
  const { format } = stored
  if (denseFormats.includes(format) || !findGgmlFormat(format)) return undefined
  return async (signal) => ({ format, bytes: await stored.read(0, stored.byteLength, signal) })
}

async function valuesOf(stored: StoredTensor, signal: AbortSignal | undefined): Promise<Float32Array<ArrayBuffer>> {
  if (stored.format !== 'f32' || !stored.readInto)
    return decode(stored, await stored.read(0, stored.byteLength, signal))
  const values = new Float32Array(sizeOf(stored.shape))
  await stored.readInto(bytesOf(values), 0, signal)
  return values
}

function decode(stored: StoredTensor, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const { format, shape } = stored
  if (denseFormats.includes(format)) {
    const dtype = format as DType
    return decodeToF32(viewBytes(bytes, dtype), dtype, sizeOf(shape))
  }
  const block = findGgmlFormat(format)
  if (!block)
    throw new TesseraError('unsupported', `optimize: ${stored.name} is stored as ${format}, which cannot be decoded`)
  return block.decodeF32({ blocks: bytes }, shape)
}

function checkFinite(stored: StoredTensor, values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const index = firstNonFinite(values)
  if (index >= 0) {
    throw new TesseraError(
      'invalid-value',
      `optimize: ${stored.name} ${formatShape(stored.shape)} holds ${values[index]} at index ${index}; the file is damaged, or was made by a run that overflowed`,
      {
        details: { tensor: stored.name, index },
      },
    )
  }
  return values
}
