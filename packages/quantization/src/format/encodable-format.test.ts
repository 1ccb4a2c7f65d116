import { expect, test } from 'vitest'
import { firstNonFinite } from './encodable-format.ts'

const finite = [0, -0, 1e-45, -1e-45, 3.4028234663852886e38, -3.4028234663852886e38, 1.1754943508222875e-38, -2.5]

test('the first value that is not finite is found wherever it stands, and none where all are', () => {
  for (let length = 0; length < 12; length++) {
    const values = new Float32Array(
      Float32Array.from({ length: length + 1 }, (_, i) => finite[i % finite.length] as number).buffer,
      4,
    )
    expect(firstNonFinite(values)).toBe(-1)
    for (let at = 0; at < length; at++) {
      for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const damaged = values.slice()
        damaged[at] = odd
        damaged[length - 1] = odd
        expect(firstNonFinite(damaged)).toBe(at)
      }
    }
  }
})

test('every exponent with either sign is finite but the last', () => {
  const patterns = Uint32Array.from({ length: 512 }, (_, i) => (i << 23) | 0x7fffff)
  const values = new Float32Array(patterns.buffer)
  for (let i = 0; i < 512; i++)
    expect([i, firstNonFinite(values.subarray(i, i + 1))]).toEqual([i, i % 256 === 255 ? 0 : -1])
})
