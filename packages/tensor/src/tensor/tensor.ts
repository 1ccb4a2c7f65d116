import type { Device } from '../device/device.ts'
import { byteLengthOf, type DType } from '../dtype/index.ts'
import { TesseraError } from '../error/index.ts'
import type { Format } from '../format/index.ts'
import { formatShape, type Shape, sizeOf } from '../shape/index.ts'

/** Device-private memory behind a tensor: an arena range, a GPU buffer, an array. */
export interface Storage {
  readonly byteLength: number
}

/** A handle to contiguous, row-major elements on one device. Values are read with `device.read(tensor)`. */
export interface Tensor {
  readonly kind: 'dense'
  readonly device: Device
  readonly dtype: DType
  readonly shape: Shape
  readonly byteLength: number
  readonly storage: Storage
  readonly disposed: boolean
  /** Frees the memory once no other handle (see `reshape`) shares it. Disposing twice is harmless. */
  dispose(): void
}

/** Weight matrix in a packed format. `shape` counts values, not bytes. */
export interface PackedTensor {
  readonly kind: 'packed'
  readonly device: Device
  readonly format: Format
  readonly shape: Shape
  readonly parts: Readonly<Record<string, Tensor>>
  readonly byteLength: number
  readonly disposed: boolean
  dispose(): void
}

/** Weights that `linear` and `embedding` accept, dense or packed. */
export type Weight = Tensor | PackedTensor

interface SharedStorage {
  readonly storage: Storage
  owners: number
  readonly release: (storage: Storage) => void
}

const shares = new WeakMap<Tensor, SharedStorage>()

/**
 * Creates the handle of newly allocated storage; `release` runs when the last handle is disposed. For device packages.
 */
export function createTensor(
  device: Device,
  dtype: DType,
  shape: Shape,
  storage: Storage,
  release: (storage: Storage) => void,
): Tensor {
  return makeHandle(device, dtype, shape, { storage, owners: 0, release })
}

/**
 * Returns another handle of the same memory with another shape, at no cost. The memory lives until both are disposed.
 */
export function reshape(tensor: Tensor, shape: Shape): Tensor {
  checkAlive(tensor, 'reshape')
  if (sizeOf(shape) !== sizeOf(tensor.shape)) {
    throw new TesseraError(
      'invalid-shape',
      `reshape: ${formatShape(tensor.shape)} has ${sizeOf(tensor.shape)} elements, ${formatShape(shape)} has ${sizeOf(shape)}`,
    )
  }
  const handle = makeHandle(tensor.device, tensor.dtype, shape, shares.get(tensor) as SharedStorage)
  tensor.device.adopt(handle)
  return handle
}

/** Groups uploaded parts into one weight. For devices and converters; users call `device.pack`. */
export function createPackedTensor(
  device: Device,
  format: Format,
  shape: Shape,
  parts: Readonly<Record<string, Tensor>>,
): PackedTensor {
  const all = Object.values(parts)
  return {
    kind: 'packed',
    device,
    format,
    shape: [...shape],
    parts,
    byteLength: all.reduce((sum, part) => sum + part.byteLength, 0),
    get disposed() {
      return all.some((part) => part.disposed)
    },
    dispose() {
      for (const part of all) part.dispose()
    },
  }
}

/** Throws `disposed`, naming the op, if the handle was disposed. */
export function checkAlive(tensor: Weight, op: string): void {
  if (tensor.disposed) {
    throw new TesseraError(
      'disposed',
      `${op}: a tensor of shape ${formatShape(tensor.shape)} was used after it was disposed; keep it with scope.keep(tensor) or dispose it later`,
    )
  }
}

function makeHandle(device: Device, dtype: DType, shape: Shape, shared: SharedStorage): Tensor {
  let disposed = false
  shared.owners += 1
  const handle: Tensor = {
    kind: 'dense',
    device,
    dtype,
    shape: [...shape],
    byteLength: byteLengthOf(dtype, sizeOf(shape)),
    storage: shared.storage,
    get disposed() {
      return disposed
    },
    dispose() {
      if (disposed) return
      disposed = true
      shared.owners -= 1
      if (shared.owners === 0) shared.release(shared.storage)
    },
  }
  shares.set(handle, shared)
  return handle
}
