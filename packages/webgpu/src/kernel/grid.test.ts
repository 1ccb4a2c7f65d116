import fc from 'fast-check'
import { expect, it } from 'vitest'
import { linearGrid, maxWorkgroupsPerDimension } from './grid.ts'

it('covers every index within the limit of a dimension, with less than one row to spare', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (count) => {
      const [x, y, z] = linearGrid(count)
      expect(x * y * z).toBeGreaterThanOrEqual(count)
      expect(x * y * z - count).toBeLessThan(Math.max(1, y))
      expect(Math.max(x, y)).toBeLessThanOrEqual(maxWorkgroupsPerDimension + 2)
    }),
  )
})
