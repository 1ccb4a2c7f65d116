import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bindingSize, slotSize } from './pool.ts'

describe('slotSize', () => {
  it('holds the tensor and its binding, in multiples of 16, wasting at most an eighth beyond 256 bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 33 }), (bytes) => {
        const size = slotSize(bytes)
        expect(size).toBeGreaterThanOrEqual(bindingSize(bytes))
        expect(size % 16).toBe(0)
        if (bytes > 256) expect(size).toBeLessThanOrEqual(bytes * 1.125 + 16)
        expect(slotSize(size)).toBe(size)
      }),
    )
  })

  it('costs large weights at most 64 KiB', () => {
    fc.assert(fc.property(fc.integer({ min: 524289, max: 2 ** 33 }), (bytes) => slotSize(bytes) - bytes < 65536))
  })
})
