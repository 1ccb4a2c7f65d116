import type { DType, TypedArray } from '../dtype/index.ts'
import type { Format } from '../format/index.ts'
import type { Capabilities, Explanation } from '../kernel/index.ts'
import type { Op, OpInputs, OpOptions, OpOutputs } from '../op/index.ts'
import type { Shape } from '../shape/index.ts'
import type { PackedTensor, Tensor, Weight } from '../tensor/index.ts'

export type DeviceKind = 'reference' | 'wasm' | 'webgpu'

export interface RunOptions {
  /** Use this kernel and no other: `device.run(attentionOp, …, { kernel: 'plain' })`. Devices without kernels ignore it. */
  readonly kernel?: string | undefined
}

export interface MemoryUse {
  /** Bytes in live tensors. */
  readonly allocatedBytes: number
  /** Largest value of `allocatedBytes` so far. */
  readonly peakBytes: number
  readonly liveTensors: number
}

export interface Scope {
  /** The tensor (or each of a list or record) outlives the scope and belongs to the caller. */
  keep<T extends Weight>(tensor: T): T
}

/** A captured call: replaying it runs the same launches on the same memory. */
export interface Plan<T> {
  /** What the captured function returned; its tensors get new values with every replay and die with the plan. */
  readonly result: T
  readonly launches: number
  replay(): void
  /**
   * Replays with the same result, and asks `pause` between two launches: where it gives a promise, what is behind waits for it, so that a long
   * plan need not block the thread. On devices that compute elsewhere (WebGPU) there is nothing to interrupt: it is `replay`, and nobody is
   * asked. After a pause that rejects, or in which plan or device were disposed, nothing more runs, and the plan's memory is as far as it got.
   */
  replayInSlices(pause: () => Promise<void> | undefined): Promise<void>
  dispose(): void
}

/**
 * Runs ops on tensors. Everything enters through `run`; values leave through `read`, which is async.
 * Nothing here knows an op: kernels were passed in when the device was created.
 */
export interface Device {
  readonly kind: DeviceKind
  readonly name: string
  readonly capabilities: Capabilities
  run<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
    op: Op<I, O, X>,
    inputs: I,
    options: X,
    run?: RunOptions,
  ): O
  /** Which kernel `run` would use, and why. */
  explain<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
    op: Op<I, O, X>,
    inputs: I,
    options: X,
    run?: RunOptions,
  ): Explanation
  /** Uploads host values: raw elements of `dtype` (f16 and bf16 as `Uint16Array`). The dtype follows from the array when left out. */
  tensor(data: TypedArray, shape: Shape, dtype?: DType): Tensor
  /** Uninitialised memory. */
  empty(shape: Shape, dtype: DType): Tensor
  /** Uploads a packed weight from its parts' raw bytes. */
  pack(format: Format, shape: Shape, parts: Readonly<Record<string, Uint8Array>>): PackedTensor
  /** Overwrites elements from `offset` (in elements) on; ordered after all earlier calls. */
  write(tensor: Tensor, data: TypedArray, offset?: number): void
  /**
   * The tensor's memory itself, as long as its elements, to be filled in place by what takes a while (reading a file) or read in place after
   * `synchronize`, where the host can reach it and it does not move: shared memory of the WebAssembly device. Undefined elsewhere: use `write` and `read`. No launch may use the tensor meanwhile.
   */
  hostView(tensor: Tensor): Uint8Array | undefined
  /** The raw elements, as the dtype's typed array (f16 and bf16: `Uint16Array` of bits), after all earlier calls. */
  read(tensor: Tensor): Promise<TypedArray>
  /** Frees every tensor created inside that was not kept. `fn` must not be async: what crosses an `await` is owned explicitly. */
  scope<T>(fn: (scope: Scope) => T): T
  /** Registers a handle that was made outside `run` with the current scope. */
  adopt(tensor: Tensor): void
  /** Records what `fn` launches; nothing runs until `replay`. */
  capture<T>(fn: () => T): Plan<T>
  /** The kernels that ran so far, `op: kernel`, sorted: what a measurement was made with. */
  kernelsUsed(): readonly string[]
  memory(): MemoryUse
  synchronize(): Promise<void>
  /** Frees everything. Running calls end with an error; later ones throw `disposed`. */
  dispose(): Promise<void>
}
