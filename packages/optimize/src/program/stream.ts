import {
  createPackedTensor,
  type Device,
  type PackedTensor,
  reshape,
  sameShape,
  type Tensor,
  TesseraError,
  viewBytes,
  type Weight,
} from '@tessera-llm/tensor'
import { type DenseSlot, memoriesOf, type Program, type Slot, type Step } from './program.ts'

/** Options of `createStream`. */
export interface StreamOptions {
  readonly device: Device
  readonly program: Program
  /** Token ids of each window, `program.tokens` each. */
  readonly windows: readonly (readonly number[])[]
  /** Loads a weight by canonical name; the stream disposes of it after its last use. */
  readonly weight: (name: string) => Promise<Weight>
  /**
   * Returns the changed values of a vector by canonical name (`Program.vectors`), or undefined for the recorded ones.
   */
  readonly vector?: ((name: string) => Promise<Float32Array | undefined>) | undefined
  /**
   * The first step to compute. Default 0. Windows of later steps are added by `add`, with the tensors that their steps
   * read.
   */
  readonly from?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Windows in progress through a program, all at the same step. Memory holds the activations between two steps and the
 * weights of the current steps, so that it need not exceed the largest layer.
 */
export interface Stream {
  /** The next step to compute. */
  readonly step: number
  /** Computes the steps before `step` for every window. */
  advance(step: number, onWindow?: (window: number) => void): Promise<void>
  /** Adds a window that holds these memories, which the stream disposes of after their last use; returns its number. */
  add(memories: ReadonlyMap<number, Tensor>): number
  /**
   * Adds a window that continues from the state of another one, with `memories` in place of shared ones, such as
   * another weight; returns its number.
   */
  fork(window: number, memories: ReadonlyMap<number, Tensor>): number
  /** The tensor of a window in a computed slot that is still needed: a new handle, which the caller disposes of. */
  tensor(window: number, slot: DenseSlot): Tensor
  dispose(): void
}

/** Starts windows of token ids at step `from` of a recorded program; `advance` computes all of them step by step. */
export function createStream({ device, program, windows, weight, vector, from = 0, signal }: StreamOptions): Stream {
  const { steps, initial, lastUse } = program
  /** Memory that all windows share: constants, caches, weights. */
  const shared = new Map<number, Weight>()
  const own: Map<number, Tensor>[] = windows.map(
    (ids) => new Map([[program.ids, device.tensor(Int32Array.from(ids), [ids.length])]]),
  )
  let at = from

  const bring = async (from: number, to: number): Promise<void> => {
    for (const memory of readBy(steps.slice(from, to))) {
      if (shared.has(memory)) continue
      const name = program.weights.get(memory)
      const start = initial.get(memory)
      if (name !== undefined) shared.set(memory, await weight(name))
      else if (start && memory !== program.ids) {
        const named = program.vectors.get(memory)
        const values = named === undefined ? undefined : await vector?.(named)
        if (values) shared.set(memory, device.tensor(values, start.shape))
        else
          shared.set(
            memory,
            start.bytes
              ? device.tensor(viewBytes(start.bytes, start.dtype), start.shape, start.dtype)
              : device.empty(start.shape, start.dtype),
          )
      }
    }
  }
  const releaseShared = (before: number): void => {
    for (const [memory, held] of shared) {
      if ((lastUse.get(memory) ?? -1) >= before) continue
      held.dispose()
      shared.delete(memory)
    }
  }
  const find = (window: number, memory: number): Weight => {
    const found = own[window]?.get(memory) ?? shared.get(memory)
    if (!found)
      throw new TesseraError(
        'unsupported',
        `optimize: step ${at} reads memory that no step has written; the forward pass of this model cannot be followed`,
      )
    return found
  }
  const tensorOf = (window: number, { memory, shape }: DenseSlot): Weight => {
    const found = find(window, memory)
    return found.kind === 'packed' || sameShape(found.shape, shape) ? found : reshape(found, shape)
  }
  const resolve = (window: number, slot: Slot): Weight => {
    if (slot.kind === 'dense') return tensorOf(window, slot)
    const parts = Object.entries(slot.parts).map(([name, part]) => [name, tensorOf(window, part) as Tensor])
    return createPackedTensor(
      device,
      slot.format,
      slot.shape,
      Object.fromEntries(parts) as Record<string, Tensor>,
    ) satisfies PackedTensor
  }
  const compute = (window: number, index: number): void => {
    const { op, options, inputs, outputs } = steps[index] as Step
    const held = own[window] as Map<number, Tensor>
    device.scope((scope) => {
      const given = Object.fromEntries(
        Object.entries(inputs).map(([name, slot]) => [name, slot && resolve(window, slot)]),
      )
      const made = device.run(op, given, options)
      for (const [name, { memory }] of Object.entries(outputs)) {
        if ((lastUse.get(memory) ?? -1) > index) held.set(memory, scope.keep(made[name] as Tensor))
      }
    })
    for (const slot of Object.values(inputs)) {
      for (const { memory } of slot ? memoriesOf(slot) : []) {
        if (lastUse.get(memory) !== index) continue
        held.get(memory)?.dispose()
        held.delete(memory)
      }
    }
  }

  return {
    get step() {
      return at
    },
    add: (memories) => own.push(new Map(memories)) - 1,
    fork(window, memories) {
      const held = [...(own[window] as Map<number, Tensor>)]
        .filter(([memory]) => !memories.has(memory))
        .map(([memory, tensor]) => [memory, reshape(tensor, tensor.shape)] as const)
      return own.push(new Map([...held, ...memories])) - 1
    },
    async advance(to, onWindow) {
      if (to <= at) return
      await bring(at, to)
      for (const window of own.keys()) {
        signal?.throwIfAborted()
        for (let index = at; index < to; index++) compute(window, index)
        await device.synchronize()
        onWindow?.(window)
      }
      at = to
      releaseShared(at)
    },
    tensor: (window, slot) => reshape(find(window, slot.memory) as Tensor, slot.shape),
    dispose() {
      for (const held of own) for (const tensor of held.values()) tensor.dispose()
      for (const held of shared.values()) held.dispose()
      shared.clear()
      for (const held of own) held.clear()
    },
  }
}

/** Memories that the steps read before any of them writes there. */
function readBy(steps: readonly Step[]): ReadonlySet<number> {
  const read = new Set<number>()
  for (const { inputs } of steps)
    for (const slot of Object.values(inputs)) if (slot) for (const { memory } of memoriesOf(slot)) read.add(memory)
  return read
}
