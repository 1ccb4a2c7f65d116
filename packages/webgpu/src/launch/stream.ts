import type { Slot } from '../buffer/pool.ts'
import type { MutableCounters } from '../device/counters.ts'
import type { FailureState } from '../failure/failure.ts'
import type { PassTimer } from '../timing/timer.ts'
import type { CompiledPass } from './compile.ts'

/** A dispatch whose pipeline and bind group are fixed. */
export interface Dispatch {
  readonly pass: CompiledPass
  readonly group: GPUBindGroup
}

/**
 * Number of dispatches after which eager work is submitted, so that the GPU starts before the whole model is encoded.
 */
const dispatchesPerSubmit = 128

/**
 * Commands in call order: dispatches gather in one compute pass of one encoder until a result is needed, enough have
 * gathered, or the current turn of JavaScript ends. WebGPU orders the dispatches of a pass, barriers included.
 */
export interface CommandStream {
  /** Number of the batch of the next command; smaller numbers are submitted. */
  readonly batch: number
  dispatch(dispatch: Dispatch): void
  /** Runs all dispatches of a plan, in one pass and one submission. */
  replay(dispatches: readonly Dispatch[]): void
  /** Copies to a staging buffer after everything dispatched so far. */
  copy(from: GPUBuffer, offset: number, to: GPUBuffer, size: number): void
  flush(): void
  /** Whether unsubmitted commands may use the buffer, so that an upload must wait for their submission. */
  uses(slot: Slot): boolean
  /** While set, every dispatch is its own pass between two timestamps. */
  setTimer(timer: PassTimer | undefined): void
}

export function createCommandStream(
  device: GPUDevice,
  failures: FailureState,
  counters: MutableCounters,
): CommandStream {
  let encoder: GPUCommandEncoder | undefined
  let pass: GPUComputePassEncoder | undefined
  let pipeline: GPUComputePipeline | undefined
  let gathered = 0
  let hasReplay = false
  let batch = 1
  let timer: PassTimer | undefined

  const open = (): GPUCommandEncoder => {
    if (!encoder) {
      encoder = device.createCommandEncoder({ label: 'tessera' })
      queueMicrotask(flushLater)
    }
    return encoder
  }
  const endPass = (): void => {
    pass?.end()
    pass = undefined
    pipeline = undefined
  }
  const flush = (): void => {
    if (!encoder) return
    endPass()
    device.queue.submit([encoder.finish()])
    encoder = undefined
    gathered = 0
    hasReplay = false
    batch += 1
    counters.submits += 1
  }
  // An error thrown in a microtask cannot be caught, so it is kept for the next call.
  const flushLater = (): void => {
    try {
      flush()
    } catch (cause) {
      failures.fail(failures.translate(cause, 'submitting work'))
    }
  }
  const encode = ({ pass: compiled, group }: Dispatch): void => {
    if (timer) endPass()
    if (!pass) {
      const timestampWrites = timer?.next(compiled.label)
      pass = open().beginComputePass(
        timestampWrites ? { label: compiled.label, timestampWrites } : { label: 'tessera' },
      )
      counters.passes += 1
    }
    const next = compiled.pipeline.get()
    if (next !== pipeline) {
      pass.setPipeline(next)
      pipeline = next
    }
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(...compiled.workgroups)
    gathered += 1
    counters.dispatches += 1
  }

  return {
    get batch() {
      return batch
    },
    dispatch(dispatch) {
      encode(dispatch)
      if (gathered >= dispatchesPerSubmit) flush()
    },
    replay(dispatches) {
      if (hasReplay) flush()
      for (const dispatch of dispatches) encode(dispatch)
      hasReplay = dispatches.length > 0
    },
    copy(from, offset, to, size) {
      const target = open()
      endPass()
      target.copyBufferToBuffer(from, offset, to, 0, size)
    },
    flush,
    // A plan pins its buffers: cheaper than marking each of them at every replay.
    uses: (slot) => encoder !== undefined && (slot.batch === batch || (hasReplay && slot.pins > 0)),
    setTimer(next) {
      endPass()
      timer = next
    },
  }
}
