import type { Checkpoint, StoredTensor } from '@tessera-llm/formats'
import {
  createPackedTensor,
  decodeElements,
  type Device,
  type DevicePacking,
  type DType,
  formatShape,
  sameShape,
  type Shape,
  specBytes,
  type Tensor,
  TesseraError,
  type TypedArray,
  viewBytes,
  type Weight,
  type WeightPacker,
} from '@tessera-llm/tensor'
import type { StoredPart, WeightSource } from '../family/index.ts'
import { concatBytes } from '../tokenizer/bytes.ts'
import { createIntake, loadingEnded, stagingBytes } from './intake.ts'

/** Progress of loading weights: the tensor whose bytes arrived, and the bytes of all tensors. */
export interface LoadProgress {
  readonly tensor: string
  readonly loadedBytes: number
  readonly totalBytes: number
}

/**
 * Options of `loadModel` and `loadEncoder` that concern weights. `packers` convert stored formats to those of the
 * device.
 */
export interface WeightLoadOptions {
  readonly device: Device
  readonly packers: readonly WeightPacker[]
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
}

/** Storage dtypes that `linear` and `embedding` read unchanged. */
const denseFormats: readonly string[] = ['f32', 'f16', 'bf16'] satisfies DType[]
const bufferFormats: readonly string[] = ['i64', 'i32', 'u8', 'bool'] satisfies DType[]

/**
 * Loads weights from a checkpoint to a device, several concurrently and in the order of the requests: request many at
 * once. JavaScript memory holds only the bytes that are being read. After an error all uploaded weights are freed.
 */
export function createWeightSource(checkpoint: Checkpoint, options: WeightLoadOptions): WeightSource {
  const { device, packers, signal, onProgress } = options
  const intake = createIntake(device, signal)
  const uploaded: Weight[] = []
  let loadedBytes = 0
  let disposed = false

  const find = (name: string, shape: Shape): StoredTensor => {
    const stored = checkpoint.tensors.get(name)
    if (!stored)
      throw new TesseraError(
        'invalid-file',
        `load: the tensor ${name} is missing from the checkpoint; its ${checkpoint.tensors.size} tensors do not make this architecture`,
        { details: { tensor: name } },
      )
    if (!sameShape(stored.shape, shape)) {
      throw new TesseraError(
        'invalid-file',
        `load: ${name} must have shape ${formatShape(shape)}, but has ${formatShape(stored.shape)}`,
        { details: { tensor: name } },
      )
    }
    return stored
  }
  const count = ({ name }: StoredTensor, bytes: number): void => {
    loadedBytes += bytes
    onProgress?.({ tensor: name, loadedBytes, totalBytes: checkpoint.byteLength })
  }
  const own = <T extends Weight>(weight: T): T => {
    // Loading has ended while this weight was being made from bytes that had already arrived.
    if (disposed) {
      weight.dispose()
      throw loadingEnded()
    }
    uploaded.push(weight)
    return weight
  }
  /** Passes all bytes of a tensor, or the rows that are a part of it, to `use` and returns its result. */
  const bring = async <T>(
    stored: StoredTensor,
    from: StoredPart | undefined,
    use: (bytes: Uint8Array) => T,
  ): Promise<T> => {
    if (!from || from.isTransposed) {
      return intake.read(stored, 0, stored.byteLength, (bytes) => {
        count(stored, bytes.length)
        return use(bytes)
      })
    }
    const rowBytes = stored.byteLength / from.storedRows
    const pieces = await Promise.all(
      from.ranges.map(([begin, end]) =>
        intake.read(stored, begin * rowBytes, (end - begin) * rowBytes, (bytes) => bytes),
      ),
    )
    const bytes = joined(pieces)
    count(stored, bytes.length)
    return use(bytes)
  }
  const packOnDevice = async (
    stored: StoredTensor,
    { format }: WeightPacker,
    { rowStep, packRows }: DevicePacking,
    shape: Shape,
    begin: number,
    rowBytes: number,
  ): Promise<Weight> => {
    const [rows = 0] = shape
    const rowsAtOnce = Math.max(1, Math.floor(stagingBytes / rowBytes / rowStep)) * rowStep
    let parts: Readonly<Record<string, Tensor>> | undefined
    const pieces = Array.from({ length: Math.ceil(rows / rowsAtOnce) }, (_, index) => {
      const first = index * rowsAtOnce
      const some = Math.min(rowsAtOnce, rows - first)
      return intake.readOnDevice(stored, (begin + first) * rowBytes, some * rowBytes, 'staging', (staging) => {
        parts ??= Object.fromEntries(
          Object.entries(format.parts(shape)).map(([name, part]) => [name, own(device.empty(part.shape, part.dtype))]),
        )
        packRows(staging, parts, shape, first, some)
        count(stored, some * rowBytes)
      })
    })
    await Promise.all(pieces)
    return createPackedTensor(device, format, shape, parts ?? {})
  }

  return {
    has: (name) => name !== '' && checkpoint.tensors.has(name),
    shapeOf: (name) => checkpoint.tensors.get(name)?.shape,

    async matrix(name, shape, from) {
      const [rows, columns] = shape
      const { storedRows = rows, isTransposed = false } = from ?? {}
      const stored = find(name, isTransposed ? [columns, storedRows] : [storedRows, columns])
      const { codes } = stored
      const coded = isTransposed ? undefined : codes?.formatFor(device.kind)
      if (codes && coded) {
        const bytes = specBytes({ kind: 'packed', format: coded, shape })
        return intake.reading(bytes, async () => {
          const parts = await codes.pack(device.kind, from?.ranges, signal)
          return () => {
            count(stored, bytes)
            return own(device.pack(coded, shape, parts))
          }
        })
      }
      if (denseFormats.includes(stored.format)) {
        const dtype = stored.format as DType
        if (from)
          return bring(stored, from, (bytes) =>
            own(
              device.tensor(
                isTransposed ? transposedRows(viewBytes(bytes, dtype), columns, from) : viewBytes(bytes, dtype),
                shape,
                dtype,
              ),
            ),
          )
        return intake.readOnDevice(
          stored,
          0,
          stored.byteLength,
          () => device.empty(shape, dtype),
          (tensor) => {
            count(stored, stored.byteLength)
            return own(tensor)
          },
        )
      }
      if (isTransposed)
        throw new TesseraError(
          'unsupported',
          `load: ${name} is stored as ${stored.format} and transposed, which only dense weights can be; use the GGUF file of the model`,
        )
      const packer = choosePacker(packers, device.kind, stored, shape)
      const ranges = from?.ranges ?? [[0, rows] as const]
      // Concatenated ranges need not start at a row where the packing kernel can start.
      if (packer.onDevice && ranges.length === 1)
        return packOnDevice(stored, packer, packer.onDevice, shape, ranges[0]?.[0] ?? 0, stored.byteLength / storedRows)
      return bring(stored, from, (bytes) => own(device.pack(packer.format, shape, packer.pack(bytes, shape))))
    },

    async vector(name, size, from): Promise<Tensor> {
      const stored = find(name, [from?.storedRows ?? size])
      if (!denseFormats.includes(stored.format))
        throw new TesseraError(
          'invalid-file',
          `load: ${name} is stored as ${stored.format}; norm weights and biases must be f32, f16 or bf16`,
        )
      const dtype = stored.format as DType
      return bring(stored, from, (bytes) => {
        const raw = viewBytes(bytes, dtype)
        return own(
          device.tensor(dtype === 'f32' ? raw : Float32Array.from(decodeElements(raw, dtype, size)), [size], 'f32'),
        )
      })
    },

    async number(name) {
      const stored = find(name, checkpoint.tensors.get(name)?.shape ?? [1])
      if (!denseFormats.includes(stored.format) || stored.shape.some((size) => size !== 1))
        throw new TesseraError(
          'invalid-file',
          `load: ${name} must be one number, not ${stored.format} ${formatShape(stored.shape)}`,
        )
      return bring(
        stored,
        undefined,
        (bytes) => decodeElements(viewBytes(bytes, stored.format as DType), stored.format as DType, 1)[0] as number,
      )
    },

    constant: (values, shape) => own(device.tensor(values, shape)),

    get byteLength() {
      return uploaded.reduce((sum, weight) => sum + weight.byteLength, 0)
    },

    dispose() {
      if (disposed) return
      disposed = true
      intake.close()
      for (const weight of uploaded) weight.dispose()
    },
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces
  return first && pieces.length === 1 ? first : concatBytes(pieces)
}

/** The rows `ranges` of the transpose of `[columns, storedRows]`. */
function transposedRows(values: TypedArray, columns: number, { storedRows, ranges }: StoredPart): TypedArray {
  const rows = ranges.flatMap(([begin, end]) => Array.from({ length: end - begin }, (_, index) => begin + index))
  const out = values.slice(0, rows.length * columns)
  for (const [to, row] of rows.entries())
    for (let column = 0; column < columns; column++)
      out[to * columns + column] = values[column * storedRows + row] as number
  return out
}

/**
 * Bytes that the checkpoint's tensors will take on a device of this kind: packed if a packer supports them. Integer
 * buffers such as `position_ids` are never loaded and do not count.
 */
export function predictWeightBytes(
  checkpoint: Checkpoint,
  packers: readonly WeightPacker[],
  kind: Device['kind'],
): number {
  let bytes = 0
  for (const stored of checkpoint.tensors.values()) {
    if (bufferFormats.includes(stored.format)) continue
    const coded = stored.codes?.formatFor(kind)
    if (!coded && denseFormats.includes(stored.format)) bytes += stored.byteLength
    else {
      const format = coded ?? choosePacker(packers, kind, stored, stored.shape).format
      bytes += specBytes({ kind: 'packed', format, shape: stored.shape })
    }
  }
  return bytes
}

function choosePacker(
  packers: readonly WeightPacker[],
  kind: Device['kind'],
  stored: StoredTensor,
  shape: Shape,
): WeightPacker {
  const reasons: string[] = []
  for (const packer of packers) {
    if (packer.source !== stored.format || packer.device !== kind) continue
    const supported = packer.supports(shape)
    if (supported === true) return packer
    reasons.push(`${packer.format.id}: ${supported}`)
  }
  const why =
    reasons.length > 0
      ? reasons.join('; ')
      : `no packer for ${stored.format} on ${kind} was passed; add ggmlPackers of @tessera-llm/quantization`
  throw new TesseraError(
    'unsupported',
    `load: ${stored.name} is stored as ${stored.format}, which cannot be loaded (${why})`,
    { details: { tensor: stored.name, format: stored.format } },
  )
}
