import { dense, type Launch } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { affine, affineKernel } from '../../test/affine.ts'
import { createCounters } from '../device/counters.ts'
import type { WebGpuKernel } from '../kernel/kernel.ts'
import { createLaunchCache, type LaunchCache } from './launch-cache.ts'

const limit = 100
const kernel = affineKernel()

/** A cache over a GPU that only counts, and what happened in order: buffers destroyed by label, and submissions. */
function countingCache(): { readonly cache: LaunchCache; readonly live: Set<string>; readonly events: string[] } {
  const live = new Set<string>()
  const events: string[] = []
  const device = {
    createBuffer({ label }: { label: string }) {
      live.add(label)
      return {
        label,
        destroy() {
          if (!live.delete(label)) throw new Error(`${label} is destroyed twice`)
          events.push(label)
        },
      }
    },
    queue: { writeBuffer() {} },
  }
  const cache = createLaunchCache({
    device: device as unknown as GPUDevice,
    stream: { flush: () => void events.push('flush') },
    counters: createCounters(),
    capabilities: { limits: { maxComputeWorkgroupsPerDimension: 65535 } } as never,
    pipelines: { entry: () => ({ layout: {} as GPUBindGroupLayout, get: () => ({}) as never, async prepare() {} }) },
    limit,
  })
  return { cache, live, events }
}

function launchOf(length: number): Launch<WebGpuKernel> {
  const x = dense('f32', [length])
  const problem = { op: 'affine', inputs: { x }, outputs: { y: x }, options: { factor: 2 } }
  return { op: affine, problem, key: `${length}`, kernel, inputs: {}, outputs: {} } as unknown as Launch<WebGpuKernel>
}

test('thousands of lengths leave no more buffers than launches are kept, each destroyed after what is encoded', () => {
  const { cache, live, events } = countingCache()
  for (let length = 1; length <= 5000; length++) {
    const { passes } = cache.get(launchOf(length), kernel)
    expect(live.has(passes[0]?.uniform?.buffer.label ?? '')).toBe(true)
    expect(live.size).toBeLessThanOrEqual(limit)
  }
  expect(events.length).toBeGreaterThan(4800)
  expect(events[0]).toBe('flush')
  // Some fifty go at once: a submission for each of them would be slow.
  expect(events.filter((event) => event === 'flush').length).toBeLessThan(110)
})

test('what a plan holds stays until the plan ends, and what is kept stays after it', () => {
  const { cache, live } = countingCache()
  const held = cache.get(launchOf(1), kernel)
  const label = held.passes[0]?.uniform?.buffer.label ?? ''
  let forgotten = 0
  held.passes[0]?.bindGroups.set('group', { group: {} as GPUBindGroup, forget: () => void forgotten++ })
  cache.hold(held)
  cache.hold(held)
  for (let length = 2; length <= 1000; length++) cache.get(launchOf(length), kernel)
  cache.release(held)
  expect([live.has(label), forgotten]).toEqual([true, 0])
  cache.release(held)
  expect([live.has(label), forgotten]).toEqual([false, 1])
  const fresh = cache.get(launchOf(1), kernel)
  cache.hold(fresh)
  cache.release(fresh)
  expect(live.has(fresh.passes[0]?.uniform?.buffer.label ?? '')).toBe(true)
  expect(cache.get(launchOf(1), kernel)).toBe(fresh)
})

test('a buffer that two launches share goes with the second', () => {
  const { cache, live } = countingCache()
  const twins = ['a', 'b'].map((key) => cache.get({ ...launchOf(7), key }, kernel))
  expect(twins[0]?.passes[0]?.uniform).toBe(twins[1]?.passes[0]?.uniform)
  const label = twins[0]?.passes[0]?.uniform?.buffer.label ?? ''
  if (twins[0]) cache.hold(twins[0])
  for (let length = 100; length <= 1000; length++) cache.get(launchOf(length), kernel)
  expect(live.has(label)).toBe(true)
  if (twins[0]) cache.release(twins[0])
  expect(live.has(label)).toBe(false)
})
