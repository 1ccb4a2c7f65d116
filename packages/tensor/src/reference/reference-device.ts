import { type Backend, createDevice, type Device, type Launch } from '../device/index.ts'
import { byteLengthOf, bytesOf, decodeElements, type DType, dtypes, encodeElements, viewBytes } from '../dtype/index.ts'
import { TesseraError } from '../error/index.ts'
import type { Kernel } from '../kernel/index.ts'
import type { HostTensor } from '../op/index.ts'
import { type Shape, sizeOf } from '../shape/index.ts'
import type { PackedTensor, Storage, Tensor, Weight } from '../tensor/index.ts'

/** Stores values as float64 for every dtype, except raw bytes (`u8` and packed parts), which stay bytes. */
interface HostStorage extends Storage {
  readonly dtype: DType
  readonly data: Float64Array | Uint8Array
  /** Number of writes so far; invalidates values decoded earlier. */
  writes: number
}

/**
 * Creates the device that defines correct results: it runs every op's float64 definition, slowly. Needs no kernels. f32
 * tensors are not rounded between ops.
 */
export function createReferenceDevice(): Device {
  const decoded = new WeakMap<PackedTensor, { readonly data: Float64Array; readonly writes: number }>()
  let recording: (() => void)[] | undefined

  const hostTensor = (weight: Weight): HostTensor => {
    if (weight.kind === 'dense') {
      const { data, dtype } = weight.storage as HostStorage
      return {
        dtype: weight.dtype,
        shape: weight.shape,
        data: data instanceof Float64Array ? data : decodeElements(data, dtype, sizeOf(weight.shape)),
      }
    }
    const writes = Object.values(weight.parts).reduce((sum, part) => sum + (part.storage as HostStorage).writes, 0)
    let known = decoded.get(weight)
    if (known?.writes !== writes) {
      const parts: Record<string, Uint8Array> = {}
      for (const [name, part] of Object.entries(weight.parts)) parts[name] = encodeStorage(part.storage as HostStorage)
      known = { data: weight.format.decode(parts, weight.shape), writes }
      decoded.set(weight, known)
    }
    return { dtype: 'f64', shape: weight.shape, data: known.data }
  }

  const execute = (launch: Launch<Kernel>): void => {
    const inputs: Record<string, HostTensor | undefined> = {}
    for (const [name, weight] of Object.entries(launch.inputs)) inputs[name] = weight && hostTensor(weight)
    for (const name of launch.op.writes ?? []) {
      const target = launch.inputs[name]
      if (target?.kind !== 'dense')
        throw new TesseraError(
          'invalid-dtype',
          `${launch.op.id}: ${name} is written in place and must be a dense tensor`,
        )
      const written = target.storage as HostStorage
      written.writes += 1
    }
    const outputs = launch.op.reference(inputs, launch.problem.options, launch.problem)
    // The reference writes values; storages of raw bytes need them as bytes.
    for (const name of launch.op.writes ?? []) {
      const { data, dtype } = (launch.inputs[name] as Tensor).storage as HostStorage
      if (data instanceof Uint8Array) data.set(bytesOf(encodeElements((inputs[name] as HostTensor).data, dtype)))
    }
    for (const [name, tensor] of Object.entries(launch.outputs)) {
      const values = outputs[name]
      const { data, dtype } = tensor.storage as HostStorage
      if (values === undefined || values.length !== sizeOf(tensor.shape)) {
        throw new TesseraError(
          'invalid-shape',
          `${launch.op.id}: the reference returned ${values?.length ?? 'no'} values for ${name}, not ${sizeOf(tensor.shape)}`,
        )
      }
      if (data instanceof Float64Array) data.set(values)
      else data.set(bytesOf(encodeElements(values, dtype)))
    }
  }

  const backend: Backend = {
    kind: 'reference',
    name: 'reference (float64)',
    capabilities: {},
    kernels: [],
    allocate(dtype: DType, shape: Shape): HostStorage {
      const size = sizeOf(shape)
      const byteLength = byteLengthOf(dtype, size)
      try {
        return {
          dtype,
          byteLength,
          writes: 0,
          data: isRaw(dtype) ? new Uint8Array(byteLength) : new Float64Array(size),
        }
      } catch (cause) {
        throw new TesseraError('out-of-memory', `reference: could not allocate ${size} float64 values`, { cause })
      }
    },
    free: () => {},
    write(storage, bytes, offsetBytes) {
      const target = storage as HostStorage
      const { data, dtype } = target
      target.writes += 1
      if (data instanceof Uint8Array) data.set(bytes, offsetBytes)
      else {
        const offset = (offsetBytes * 8) / dtypes[dtype].bits
        data.set(decodeElements(viewBytes(bytes, dtype), dtype, (bytes.byteLength * 8) / dtypes[dtype].bits), offset)
      }
    },
    async read(storage, offsetBytes, byteLength) {
      return encodeStorage(storage as HostStorage).slice(offsetBytes, offsetBytes + byteLength)
    },
    launch(launch) {
      if (recording) recording.push(() => execute(launch))
      else execute(launch)
    },
    beginCapture() {
      recording = []
    },
    endCapture() {
      const recorded = recording ?? []
      recording = undefined
      return {
        launches: recorded.length,
        replay() {
          for (const run of recorded) run()
        },
        dispose() {
          recorded.length = 0
        },
      }
    },
    synchronize: async () => {},
    dispose: async () => {},
  }
  return createDevice(backend)
}

function isRaw(dtype: DType): boolean {
  return dtype === 'u8' || dtype === 'i4' || dtype === 'u4'
}

function encodeStorage({ data, dtype }: HostStorage): Uint8Array {
  return data instanceof Uint8Array ? data : bytesOf(encodeElements(data, dtype))
}
