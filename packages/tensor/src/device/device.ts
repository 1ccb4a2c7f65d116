import type { DType, TypedArray } from '../dtype/index.ts'
import type { Format } from '../format/index.ts'
import type { Capabilities, Explanation } from '../kernel/index.ts'
import type { Op, OpInputs, OpOptions, OpOutputs } from '../op/index.ts'
import type { Shape } from '../shape/index.ts'
import type { PackedTensor, Tensor, Weight } from '../tensor/index.ts'

/** Kind of a device; selects kernels and weight packers. */
export type DeviceKind = 'reference' | 'wasm' | 'webgpu'

/** Options of `Device.run` beside those of the op. */
export interface RunOptions {
  /**
   * Use this kernel and no other: `device.run(attentionOp, …, { kernel: 'plain' })`. Devices without kernels ignore it.
   */
  readonly kernel?: string | undefined
}

/** Memory use of a device, in bytes. */
export interface MemoryUse {
  /** Bytes in live tensors. */
  readonly allocatedBytes: number
  /** Largest value of `allocatedBytes` so far. */
  readonly peakBytes: number
  readonly liveTensors: number
}

/** Handle of a running `Device.scope`. */
export interface Scope {
  /** Keeps the tensor (or each tensor of a list or record) alive beyond the scope; the caller then owns it. */
  keep<T extends Weight>(tensor: T): T
}

/** A captured call. Replaying it runs the same launches on the same memory. */
export interface Plan<T> {
  /** Result of the captured function. Each replay overwrites its tensors; they are freed with the plan. */
  readonly result: T
  readonly launches: number
  replay(): void
  /**
   * Replays with the same result but calls `pause` between launches, so that a long plan need not block the thread. If
   * `pause` returns a promise, the remaining launches wait for it. Where computing does not block the caller (WebGPU),
   * this is `replay` and `pause` is never called. If a pause rejects, or plan or device are disposed meanwhile, no
   * further launch runs and the plan's memory stays as it is.
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
  /**
   * Uploads host values: raw elements of `dtype` (f16 and bf16 as `Uint16Array`). Without `dtype`, the array's type
   * decides.
   */
  tensor(data: TypedArray, shape: Shape, dtype?: DType): Tensor
  /** Allocates uninitialized memory. */
  empty(shape: Shape, dtype: DType): Tensor
  /** Uploads a packed weight from its parts' raw bytes. */
  pack(format: Format, shape: Shape, parts: Readonly<Record<string, Uint8Array>>): PackedTensor
  /** Overwrites elements from `offset` (in elements) on, after all earlier calls. */
  write(tensor: Tensor, data: TypedArray, offset?: number): void
  /**
   * Memory of the tensor, as many bytes as its elements take: to fill in place by something slow (reading a file), or
   * to read in place after `synchronize`. Only where the host can reach the memory and it never moves (shared memory of
   * the WebAssembly device); undefined elsewhere: use `write` and `read`. No launch may use the tensor meanwhile.
   */
  hostView(tensor: Tensor): Uint8Array | undefined
  /**
   * Reads the raw elements as the dtype's typed array (f16 and bf16: `Uint16Array` of bits), after all earlier calls.
   */
  read(tensor: Tensor): Promise<TypedArray>
  /**
   * Frees every tensor created inside and not kept. `fn` must not be async: tensors that cross an `await` need an
   * explicit owner.
   */
  scope<T>(fn: (scope: Scope) => T): T
  /** Registers a handle that was made outside `run` with the current scope. */
  adopt(tensor: Tensor): void
  /** Records what `fn` launches; nothing runs until `replay`. */
  capture<T>(fn: () => T): Plan<T>
  /** Kernels that ran so far as `op: kernel`, sorted: names what a measurement used. */
  kernelsUsed(): readonly string[]
  memory(): MemoryUse
  synchronize(): Promise<void>
  /** Frees everything. Running calls end with an error; later ones throw `disposed`. */
  dispose(): Promise<void>
}
