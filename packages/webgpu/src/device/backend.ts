import { type Backend, type BackendPlan, byteLengthOf, sizeOf, TesseraError, formatShape } from '@tessera-llm/tensor'
import { bindingSize, createBufferPool, type Slot, slotSize, type WebGpuStorage } from '../buffer/pool.ts'
import { createStagingRing } from '../buffer/staging.ts'
import { createUpload } from '../buffer/upload.ts'
import { bufferUsage, mapModeRead } from '../buffer/usage.ts'
import type { WebGpuCapabilities } from '../capability/capabilities.ts'
import { type FailureState, watchFailures } from '../failure/failure.ts'
import type { WebGpuKernel } from '../kernel/kernel.ts'
import { bindGroupOf } from '../launch/bind.ts'
import { storageOf } from '../launch/compile.ts'
import { createLaunchCache } from '../launch/launch-cache.ts'
import { createRecording, type Recording } from '../launch/recording.ts'
import { type CommandStream, createCommandStream } from '../launch/stream.ts'
import { createPipelineCache, type PipelineEntry } from '../pipeline/cache.ts'
import { createCounters, type WebGpuCounters } from './counters.ts'

/** WebGPU backend of a `Device`, with what `createWebGpuDevice` adds to it. */
export interface WebGpuBackend extends Backend<WebGpuKernel> {
  readonly counters: WebGpuCounters
  readonly stream: CommandStream
  readonly failures: FailureState
  /** Collects the pipelines of launches between the two calls; `prepare` then compiles them in parallel. */
  beginCollect(): void
  endCollect(): ReadonlySet<PipelineEntry>
}

export interface BackendOptions {
  readonly name: string
  readonly kernels: readonly WebGpuKernel[]
  readonly capabilities: WebGpuCapabilities
  /** Bytes of free memory kept for reuse; beyond, free buffers are destroyed. */
  readonly maxIdleBytes: number
}

export function createWebGpuBackend(
  device: GPUDevice,
  { name, kernels, capabilities, maxIdleBytes }: BackendOptions,
): WebGpuBackend {
  const counters = createCounters()
  const failures = watchFailures(device, name)
  const stream = createCommandStream(device, failures, counters)
  const pipelines = createPipelineCache(device, failures, counters)
  const staging = createStagingRing(device, counters)
  const pool = createBufferPool()
  const compiled = createLaunchCache({ device, stream, counters, capabilities, pipelines })
  let nextId = 1
  let recording: Recording | undefined
  let collecting: Set<PipelineEntry> | undefined

  const createSlot = (size: number): Slot => {
    counters.buffersCreated += 1
    const usage = bufferUsage.storage | bufferUsage.copySrc | bufferUsage.copyDst
    const buffer = failures.guard(
      'out-of-memory',
      () => device.createBuffer({ label: `tensor[${size}]`, size, usage }),
      (message) => outOfMemory(name, size, message),
    )
    return { id: nextId++, buffer, size, pins: 0, freed: false, batch: 0, dependents: new Set() }
  }
  const destroySlots = (slots: readonly Slot[]): void => {
    // A submission that names a destroyed buffer fails, so submit what is encoded first.
    stream.flush()
    for (const slot of slots) {
      for (const forget of [...slot.dependents]) forget()
      slot.buffer.destroy()
    }
  }
  const release = (slot: Slot): void => {
    pool.give(slot)
    if (pool.idleBytes > maxIdleBytes) destroySlots(pool.drain())
  }
  // WebGPU would fail later, with an error that makes the device unusable.
  const checkSize = (byteLength: number, what: () => string): void => {
    const limit = Math.min(capabilities.limits.maxBufferSize, capabilities.limits.maxStorageBufferBindingSize)
    if (slotSize(byteLength) > limit) {
      throw new TesseraError(
        'out-of-memory',
        `${name}: ${what()} takes ${bindingSize(byteLength)} bytes, this GPU binds at most ${limit}; split it, or use a more compact format`,
      )
    }
  }
  const allocate = (byteLength: number): WebGpuStorage => {
    const size = slotSize(byteLength)
    const slot = recording?.reuse(size) ?? pool.take(size) ?? createSlot(size)
    recording?.own(slot)
    return { byteLength, slot }
  }
  const free = ({ slot }: WebGpuStorage): void => {
    if (recording?.takeBack(slot)) return
    if (slot.pins > 0) slot.freed = true
    else release(slot)
  }
  const upload = createUpload({
    device,
    stream,
    failures,
    counters,
    pipelines,
    scratch(byteLength, use) {
      const size = slotSize(byteLength)
      const slot = pool.take(size) ?? createSlot(size)
      try {
        return use({ byteLength, slot })
      } finally {
        release(slot)
      }
    },
  })

  return {
    kind: 'webgpu',
    name,
    capabilities,
    kernels,
    counters,
    stream,
    failures,

    allocate(dtype, shape) {
      failures.check()
      const byteLength = byteLengthOf(dtype, sizeOf(shape))
      checkSize(byteLength, () => `a tensor of ${formatShape(shape)} ${dtype}`)
      return allocate(byteLength)
    },
    free: (storage) => free(storage as WebGpuStorage),

    write(storage, bytes, offsetBytes) {
      failures.check()
      const target = storage as WebGpuStorage
      recording?.keepWritten(target, (size) => pool.take(size) ?? createSlot(size))
      upload(target, bytes, offsetBytes)
    },

    async read(storage, offsetBytes, byteLength) {
      failures.check()
      if (byteLength === 0) return new Uint8Array(0)
      const start = Math.floor(offsetBytes / 4) * 4
      const size = Math.ceil((offsetBytes + byteLength) / 4) * 4 - start
      const buffer = staging.take(size)
      stream.copy((storage as WebGpuStorage).slot.buffer, start, buffer, size)
      stream.flush()
      try {
        await buffer.mapAsync(mapModeRead, 0, size)
      } catch (cause) {
        throw failures.translate(cause, 'reading a tensor')
      }
      const bytes = new Uint8Array(buffer.getMappedRange(0, size)).slice(
        offsetBytes - start,
        offsetBytes - start + byteLength,
      )
      buffer.unmap()
      staging.give(buffer)
      counters.bytesRead += byteLength
      await failures.settle()
      return bytes
    },

    launch(launch) {
      failures.check()
      if (!launch.kernel) throw new TesseraError('missing-kernel', `${launch.op.id}: no kernel on ${name}`)
      const ready = compiled.get(launch, launch.kernel)
      const scratch = new Map<string, WebGpuStorage>()
      try {
        for (const [temporary, byteLength] of ready.temporaries) {
          checkSize(
            byteLength,
            () => `${launch.op.id}: the temporary ${temporary} of the kernel ${launch.kernel?.name}`,
          )
          scratch.set(temporary, allocate(byteLength))
        }
        for (const pass of ready.passes) {
          const storages = pass.tensors.map((tensor) => storageOf(tensor, launch, scratch, pass.label))
          const dispatch = { pass, group: bindGroupOf(pass, storages, device, failures, counters) }
          collecting?.add(pass.pipeline)
          if (recording) {
            recording.refer(storages)
            recording.dispatches.push(dispatch)
          } else {
            stream.dispatch(dispatch)
            for (const { slot } of storages) slot.batch = stream.batch
          }
        }
        if (recording) {
          recording.launches += 1
          if (!recording.compiled.has(ready)) compiled.hold(ready)
          recording.compiled.add(ready)
        }
      } finally {
        for (const storage of scratch.values()) free(storage)
      }
    },

    beginCapture() {
      recording = createRecording()
    },
    endCapture(): BackendPlan {
      const recorded = recording ?? createRecording()
      recording = undefined
      let disposed = false
      return {
        launches: recorded.launches,
        replay() {
          if (disposed)
            throw new TesseraError('disposed', `${name}: a plan was replayed after it was disposed; capture again`)
          failures.check()
          stream.replay(recorded.dispatches)
        },
        dispose() {
          if (disposed) return
          disposed = true
          recorded.dispose(release)
          for (const launch of recorded.compiled) compiled.release(launch)
        },
      }
    },
    beginCollect() {
      collecting = new Set()
    },
    endCollect() {
      const entries = collecting ?? new Set()
      collecting = undefined
      return entries
    },

    async synchronize() {
      failures.check()
      stream.flush()
      try {
        await device.queue.onSubmittedWorkDone()
      } catch (cause) {
        throw failures.translate(cause, 'synchronize')
      }
      await failures.settle()
    },
    async dispose() {
      failures.close()
      device.destroy()
      pool.drain()
      compiled.clear()
    },
  }
}

function outOfMemory(name: string, size: number, message: string): TesseraError {
  return new TesseraError(
    'out-of-memory',
    `${name}: the GPU has no room for ${size} bytes more (${message}); free tensors, use a smaller model, a shorter context or a more compact format`,
  )
}
