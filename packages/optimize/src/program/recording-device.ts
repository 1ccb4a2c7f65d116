import {
  type Backend,
  createDevice,
  type Device,
  type Launch,
  type Kernel,
  type Op,
  type Storage,
  TesseraError,
  type Weight,
} from '@tessera-llm/tensor'
import type { InitialMemory, Slot, Step } from './program.ts'

export interface Recording {
  readonly device: Device
  readonly steps: readonly Step[]
  /** All memories with the bytes written to them; outputs of steps included. */
  readonly memory: ReadonlyMap<number, InitialMemory>
  /** The memory of a tensor's storage. */
  memoryOf(storage: Storage): number
}

/**
 * A device that records the op calls of a forward pass and computes nothing. Tensors have shapes and no values, except
 * those that are written (tables of rotary angles, positions), so recording a model of any size takes negligible time
 * and memory.
 */
export function createRecordingDevice(): Recording {
  const steps: Step[] = []
  const memory = new Map<number, InitialMemory>()
  const numbers = new WeakMap<Storage, number>()
  const memoryOf = (storage: Storage): number => numbers.get(storage) as number
  const slotOf = (tensor: Weight): Slot => {
    if (tensor.kind === 'dense')
      return { kind: 'dense', memory: memoryOf(tensor.storage), dtype: tensor.dtype, shape: tensor.shape }
    const parts = Object.entries(tensor.parts).map(([name, part]) => [name, slotOf(part)] as const)
    return { kind: 'packed', format: tensor.format, shape: tensor.shape, parts: Object.fromEntries(parts) as never }
  }
  const nothingToReplay = (): never => {
    throw new TesseraError('unsupported', 'optimize: a forward pass that is recorded cannot be captured as well')
  }
  const backend: Backend = {
    kind: 'reference',
    name: 'recording',
    capabilities: {},
    kernels: [],
    allocate(dtype, shape) {
      const storage: Storage = { byteLength: 0 }
      numbers.set(storage, memory.size)
      memory.set(memory.size, { dtype, shape })
      return storage
    },
    free: () => {},
    write(storage, bytes, offset) {
      const number = memoryOf(storage)
      const known = memory.get(number) as InitialMemory
      const all = new Uint8Array(Math.max(offset + bytes.length, known.bytes?.length ?? 0))
      if (known.bytes) all.set(known.bytes)
      all.set(bytes, offset)
      memory.set(number, { ...known, bytes: all })
    },
    async read(storage, offset, byteLength) {
      const { bytes } = memory.get(memoryOf(storage)) as InitialMemory
      if (!bytes)
        throw new TesseraError(
          'unsupported',
          'optimize: the forward pass of this model reads values that it computed; it cannot be recorded',
        )
      return bytes.slice(offset, offset + byteLength)
    },
    launch({ op, problem, inputs, outputs }: Launch<Kernel>) {
      const slots = (tensors: Readonly<Record<string, Weight | undefined>>): Record<string, Slot | undefined> =>
        Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor && slotOf(tensor)]))
      steps.push({
        op: op as Op,
        options: problem.options,
        inputs: slots(inputs),
        outputs: slots(outputs) as Step['outputs'],
      })
    },
    beginCapture: nothingToReplay,
    endCapture: nothingToReplay,
    synchronize: async () => {},
    dispose: async () => {},
  }
  return { device: createDevice(backend), steps, memory, memoryOf }
}
