import type { Checkpoint, StoredTensor } from '@tessera-llm/formats'
import {
  decodeElements, type Device, dtypes, type DType, formatShape, sameShape, type Shape, sizeOf, type Tensor, TesseraError, viewBytes, type Weight, type WeightPacker,
} from '@tessera-llm/tensor'
import type { WeightSource } from '../family/index.ts'

export interface LoadProgress {
  readonly tensor: string
  readonly loadedBytes: number
  readonly totalBytes: number
}

export interface WeightLoadOptions {
  readonly device: Device
  readonly packers: readonly WeightPacker[]
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
}

/** Dense storage dtypes that `linear` and `embedding` read as they are. */
const denseFormats: readonly string[] = ['f32', 'f16', 'bf16'] satisfies DType[]

/**
 * Brings weights from a checkpoint to a device one tensor at a time: the only copies in JavaScript memory are those of the
 * tensor in hand and of the next one. What was uploaded before an error is freed.
 */
export function createWeightSource(checkpoint: Checkpoint, options: WeightLoadOptions): WeightSource & { readonly dispose: () => void } {
  const { device, packers, signal, onProgress } = options
  const uploaded: Weight[] = []
  let loadedBytes = 0

  const find = (name: string, shape: Shape): StoredTensor => {
    const stored = checkpoint.tensors.get(name)
    if (!stored) throw new TesseraError('invalid-file', `load: the tensor ${name} is missing from the checkpoint; its ${checkpoint.tensors.size} tensors do not make this architecture`, { details: { tensor: name } })
    if (!sameShape(stored.shape, shape)) {
      throw new TesseraError('invalid-file', `load: ${name} must have shape ${formatShape(shape)}, but has ${formatShape(stored.shape)}`, { details: { tensor: name } })
    }
    return stored
  }
  // While one tensor is packed, the next one of the file is read: files and requests have about the same order.
  const inOrder = [...checkpoint.tensors.values()]
  let ahead: { readonly stored: StoredTensor; readonly bytes: Promise<Uint8Array> } | undefined
  const readAhead = (after: StoredTensor): void => {
    const next = inOrder[inOrder.indexOf(after) + 1]
    if (!next) return
    const bytes = next.read(0, next.byteLength, signal)
    // Whoever asks for the tensor sees the error; nobody may.
    bytes.catch(() => {})
    ahead = { stored: next, bytes }
  }
  const bring = async (stored: StoredTensor): Promise<Uint8Array> => {
    signal?.throwIfAborted()
    const bytes = await (ahead?.stored === stored ? ahead.bytes : stored.read(0, stored.byteLength, signal))
    readAhead(stored)
    loadedBytes += stored.byteLength
    onProgress?.({ tensor: stored.name, loadedBytes, totalBytes: checkpoint.byteLength })
    return bytes
  }
  const own = <T extends Weight>(weight: T): T => {
    uploaded.push(weight)
    return weight
  }

  return {
    has: (name) => name !== '' && checkpoint.tensors.has(name),

    async matrix(name, shape) {
      const stored = find(name, shape)
      if (denseFormats.includes(stored.format)) {
        const dtype = stored.format as DType
        return own(device.tensor(viewBytes(await bring(stored), dtype), shape, dtype))
      }
      const packer = choosePacker(packers, device.kind, stored)
      return own(device.pack(packer.format, shape, packer.pack(await bring(stored), shape)))
    },

    async vector(name, size): Promise<Tensor> {
      const stored = find(name, [size])
      if (!denseFormats.includes(stored.format)) throw new TesseraError('invalid-file', `load: ${name} is stored as ${stored.format}; norm weights and biases must be f32, f16 or bf16`)
      const dtype = stored.format as DType
      const raw = viewBytes(await bring(stored), dtype)
      return own(device.tensor(dtype === 'f32' ? raw : Float32Array.from(decodeElements(raw, dtype, size)), [size], 'f32'))
    },

    dispose() {
      for (const weight of uploaded) weight.dispose()
    },
  }
}

/** Bytes that the checkpoint's tensors will take on a device of this kind: packed where a packer applies. */
export function predictWeightBytes(checkpoint: Checkpoint, packers: readonly WeightPacker[], kind: Device['kind']): number {
  let bytes = 0
  for (const stored of checkpoint.tensors.values()) {
    if (denseFormats.includes(stored.format)) bytes += stored.byteLength
    else {
      const { format } = choosePacker(packers, kind, stored)
      for (const part of Object.values(format.parts(stored.shape))) bytes += Math.ceil((sizeOf(part.shape) * dtypes[part.dtype].bits) / 8)
    }
  }
  return bytes
}

function choosePacker(packers: readonly WeightPacker[], kind: Device['kind'], stored: StoredTensor): WeightPacker {
  const reasons: string[] = []
  for (const packer of packers) {
    if (packer.source !== stored.format || packer.device !== kind) continue
    const supported = packer.supports(stored.shape)
    if (supported === true) return packer
    reasons.push(`${packer.format.id}: ${supported}`)
  }
  const why = reasons.length > 0 ? reasons.join('; ') : `no packer for ${stored.format} on ${kind} was passed; add ggmlPackers of @tessera-llm/quantization`
  throw new TesseraError('unsupported', `load: ${stored.name} is stored as ${stored.format}, which cannot be loaded (${why})`, { details: { tensor: stored.name, format: stored.format } })
}

