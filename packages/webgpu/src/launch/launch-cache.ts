import { createBoundedCache, type Launch } from '@tessera-llm/tensor'
import type { MutableCounters } from '../device/counters.ts'
import type { WebGpuKernel } from '../kernel/kernel.ts'
import { type CompileContext, type CompiledLaunch, compileLaunch } from './compile.ts'
import type { CommandStream } from './stream.ts'
import { createUniforms } from './uniforms.ts'

/**
 * Cache of the data that launches derive from their problems. Every number of tokens is a separate problem, so only the
 * latest are kept; a plan holds those that it replays. Entries that are neither kept nor held release their bind groups
 * and uniform buffers.
 */
export interface LaunchCache {
  get(launch: Launch<WebGpuKernel>, kernel: WebGpuKernel): CompiledLaunch
  hold(compiled: CompiledLaunch): void
  release(compiled: CompiledLaunch): void
  clear(): void
}

export interface LaunchCacheOptions extends Omit<CompileContext, 'uniform'> {
  readonly device: GPUDevice
  readonly stream: Pick<CommandStream, 'flush'>
  readonly counters: MutableCounters
  /** Most launches kept. */
  readonly limit?: number | undefined
}

export function createLaunchCache(options: LaunchCacheOptions): LaunchCache {
  const { device, stream, counters, capabilities, pipelines, limit } = options
  const uniforms = createUniforms(device, counters)
  const context: CompileContext = { capabilities, pipelines, uniform: uniforms.take }

  const destroy = (launches: readonly CompiledLaunch[]): void => {
    const buffers: GPUBuffer[] = []
    for (const { passes } of launches) {
      for (const { bindGroups, uniform } of passes) {
        for (const { forget } of [...bindGroups.values()]) forget()
        const last = uniform && uniforms.give(uniform)
        if (last) buffers.push(last)
      }
    }
    if (buffers.length === 0) return
    // A submission that names a destroyed buffer is refused, so what is encoded goes first; what is submitted keeps its
    // buffers.
    stream.flush()
    for (const buffer of buffers) buffer.destroy()
  }
  const compiled = createBoundedCache<CompiledLaunch>({
    limit,
    drop(launches) {
      const gone = [...launches]
      for (const launch of gone) launch.isKept = false
      destroy(gone.filter(({ plans }) => plans === 0))
    },
  })

  return {
    get(launch, kernel) {
      const key = `${kernel.name}/${launch.key}`
      let known = compiled.get(key)
      if (!known) {
        known = compileLaunch(kernel, launch.problem, context)
        compiled.set(key, known)
      }
      return known
    },
    hold(launch) {
      launch.plans += 1
    },
    release(launch) {
      launch.plans -= 1
      if (launch.plans === 0 && !launch.isKept) destroy([launch])
    },
    clear() {
      compiled.clear()
      uniforms.clear()
    },
  }
}
