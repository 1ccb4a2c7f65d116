import {
  type Backend,
  bytesOf,
  createDevice,
  type Device,
  type Kernel,
  kernelAbi,
  type Launch,
  type Storage,
  TesseraError,
  viewBytes,
} from '../src/index.ts'

/** Kernel of the device below; takes f32 arrays by name. */
export interface ArrayKernel extends Kernel {
  run(arrays: Readonly<Record<string, Float32Array>>): void
}

export function arrayKernel(kernel: Pick<ArrayKernel, 'op' | 'name'> & Partial<ArrayKernel>): ArrayKernel {
  return { abi: kernelAbi, device: 'wasm', opVersion: 1, supports: () => true, run: () => {}, ...kernel }
}

interface ArrayStorage extends Storage {
  readonly bytes: Uint8Array
}

/** Smallest device with kernels: memory is host arrays, a launch is a call. Holds at most 1000 bytes. */
export function createArrayDevice(kernels: readonly ArrayKernel[]): {
  readonly device: Device
  readonly freed: Storage[]
} {
  const freed: Storage[] = []
  let recording: Launch<ArrayKernel>[] | undefined
  const execute = ({ kernel, inputs, outputs }: Launch<ArrayKernel>): void => {
    const arrays: Record<string, Float32Array> = {}
    for (const [name, tensor] of Object.entries({ ...inputs, ...outputs })) {
      if (tensor?.kind === 'dense')
        arrays[name] = viewBytes((tensor.storage as ArrayStorage).bytes, 'f32') as Float32Array
    }
    kernel?.run(arrays)
  }
  const backend: Backend<ArrayKernel> = {
    kind: 'wasm',
    name: 'arrays',
    capabilities: { simd: true },
    kernels,
    allocate(dtype, shape): ArrayStorage {
      const bytes = bytesOf(viewBytes(new Uint8Array(shape.reduce((size, axis) => size * axis, 4)), dtype))
      if (bytes.byteLength > 1000)
        throw new TesseraError('out-of-memory', `arrays: ${bytes.byteLength} bytes do not fit`)
      return { byteLength: bytes.byteLength, bytes }
    },
    free: (storage) => void freed.push(storage),
    write: (storage, bytes, offset) => (storage as ArrayStorage).bytes.set(bytes, offset),
    read: async (storage, offset, length) => (storage as ArrayStorage).bytes.slice(offset, offset + length),
    launch: (launch) => (recording ? void recording.push(launch) : execute(launch)),
    beginCapture() {
      recording = []
    },
    endCapture() {
      const launches = recording ?? []
      recording = undefined
      return { launches: launches.length, replay: () => launches.forEach(execute), dispose: () => {} }
    },
    synchronize: async () => {},
    dispose: async () => {},
  }
  return { device: createDevice(backend), freed }
}
