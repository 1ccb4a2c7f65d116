import {
  createDevice,
  type Device,
  type Kernel,
  kernelAbi,
  type Launch,
  type Storage,
  type Tensor,
  viewBytes,
} from '@tessera-llm/tensor'

interface Block extends Storage {
  readonly bytes: Uint8Array
}

type Arrays = Readonly<Record<string, Float32Array>>
interface ArrayKernel extends Kernel {
  run(arrays: Arrays): void
}

/** A device with one f32 kernel that reuses freed memory without clearing it, as real devices do. */
export function createPooledDevice(op: string, run: (arrays: Arrays) => void): Device {
  const kernel: ArrayKernel = {
    abi: kernelAbi,
    device: 'wasm',
    op,
    opVersion: 1,
    name: 'only',
    supports: () => true,
    run,
  }
  const pool: Block[] = []
  let recording: Launch<ArrayKernel>[] | undefined
  const execute = ({ inputs, outputs }: Launch<ArrayKernel>): void => {
    const tensors = Object.entries({ ...inputs, ...outputs }).filter(
      (entry): entry is [string, Tensor] => entry[1]?.kind === 'dense',
    )
    kernel.run(
      Object.fromEntries(
        tensors.map(([name, tensor]) => [name, viewBytes((tensor.storage as Block).bytes, 'f32') as Float32Array]),
      ),
    )
  }
  return createDevice<ArrayKernel>({
    kind: 'wasm',
    name: 'pooled',
    capabilities: {},
    kernels: [kernel],
    allocate(_, shape) {
      const byteLength = shape.reduce((size, axis) => size * axis, 4)
      const free = pool.findIndex((block) => block.byteLength === byteLength)
      return free >= 0
        ? (pool.splice(free, 1)[0] as Block)
        : ({ byteLength, bytes: new Uint8Array(byteLength) } satisfies Block)
    },
    free: (storage) => void pool.push(storage as Block),
    write: (storage, bytes, offset) => (storage as Block).bytes.set(bytes, offset),
    read: async (storage, offset, length) => (storage as Block).bytes.slice(offset, offset + length),
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
  })
}
