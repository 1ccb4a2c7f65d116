import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeBF16,
  decodeF16,
  decodeFp8E4M3,
  decodeFp8E5M2,
  encodeBF16,
  encodeF16,
  encodeFp8E4M3,
  encodeFp8E5M2,
  roundHalfEven,
} from './index.ts'

const view = new DataView(new ArrayBuffer(4))

function f32OfBits(bits: number): number {
  view.setUint32(0, bits >>> 0)
  return view.getFloat32(0)
}

/**
 * Decodes a narrow float through f32: shifts its bits into place, and corrects the exponent bias by an exact power of
 * two, which also handles subnormals.
 */
function through32(bits: number, width: number, fractionBits: number, bias: number): number {
  const magnitude = bits & (2 ** (width - 1) - 1)
  const sign = bits >> (width - 1) ? -1 : 1
  return sign * f32OfBits(magnitude << (23 - fractionBits)) * 2 ** (127 - bias)
}

const codecs = [
  {
    name: 'f16',
    width: 16,
    fractionBits: 10,
    bias: 15,
    decode: decodeF16,
    encode: encodeF16,
    largest: 65504,
    infinity: 0x7c00,
  },
  {
    name: 'bf16',
    width: 16,
    fractionBits: 7,
    bias: 127,
    decode: decodeBF16,
    encode: encodeBF16,
    largest: f32OfBits(0x7f7f0000),
    infinity: 0x7f80,
  },
  {
    name: 'fp8_e4m3',
    width: 8,
    fractionBits: 3,
    bias: 7,
    decode: decodeFp8E4M3,
    encode: encodeFp8E4M3,
    largest: 448,
    infinity: undefined,
  },
  {
    name: 'fp8_e5m2',
    width: 8,
    fractionBits: 2,
    bias: 15,
    decode: decodeFp8E5M2,
    encode: encodeFp8E5M2,
    largest: 57344,
    infinity: 0x7c,
  },
] as const

describe.each(codecs)('$name', ({ width, fractionBits, bias, decode, encode, largest, infinity }) => {
  const signBit = 2 ** (width - 1)
  const all = Array.from({ length: 2 * signBit }, (_, bits) => bits)
  const isNaNCode = (bits: number): boolean =>
    infinity === undefined ? (bits & (signBit - 1)) === 0x7f : (bits & (signBit - 1)) > infinity
  const isInfinite = (bits: number): boolean => (bits & (signBit - 1)) === infinity
  /** Codes of the finite values from 0 upward: consecutive integers. */
  const rising = all.filter((bits) => bits < signBit && !isNaNCode(bits) && !isInfinite(bits))

  test('every code decodes to its value', () => {
    for (const bits of all) {
      const expected = isNaNCode(bits)
        ? Number.NaN
        : isInfinite(bits)
          ? (bits & signBit ? -1 : 1) * Number.POSITIVE_INFINITY
          : through32(bits, width, fractionBits, bias)
      if (!Object.is(decode(bits), expected)) expect.fail(`code ${bits.toString(16)}: ${decode(bits)}, not ${expected}`)
    }
    expect(decode(rising.at(-1) as number)).toBe(largest)
  })

  test('every value encodes to the code that it was decoded from', () => {
    for (const bits of all) {
      if (isNaNCode(bits)) {
        if (!Number.isNaN(decode(encode(decode(bits)))))
          expect.fail(`NaN ${bits.toString(16)} encodes to ${encode(decode(bits))}`)
      } else if (!isInfinite(bits) || infinity !== undefined) {
        if (encode(decode(bits)) !== bits)
          expect.fail(`code ${bits.toString(16)} becomes ${encode(decode(bits)).toString(16)}`)
      }
    }
  })

  test('between two neighbours the nearer is chosen, and the even code in the middle', () => {
    for (const lower of rising.slice(0, -1)) {
      const [a, b] = [decode(lower), decode(lower + 1)]
      const middle = a + (b - a) / 2
      const even = lower % 2 === 0 ? lower : lower + 1
      const cases = [
        [middle, even],
        [a + (b - a) * 0.49, lower],
        [a + (b - a) * 0.51, lower + 1],
      ] as const
      for (const [value, code] of cases) {
        if (encode(value) !== code) expect.fail(`${value} becomes ${encode(value)}, not ${code}`)
        if (encode(-value) !== code + signBit) expect.fail(`${-value} becomes ${encode(-value)}, not ${code + signBit}`)
      }
    }
  })

  test('beyond the largest value: rounded to it below the middle, and to what the format has for overflow from there on', () => {
    const step = largest - decode((rising.at(-1) as number) - 1)
    const overflow = infinity ?? 0x7f
    expect(encode(largest + step * 0.49)).toBe(rising.at(-1))
    expect(encode(largest + step * 0.51)).toBe(overflow)
    expect(encode(largest + step / 2)).toBe((rising.at(-1) as number) % 2 === 0 ? rising.at(-1) : overflow)
    expect(encode(Number.POSITIVE_INFINITY)).toBe(overflow)
    expect(encode(Number.NEGATIVE_INFINITY)).toBe(overflow + signBit)
    expect(decode(encode(Number.NaN))).toBeNaN()
  })

  test('zeros keep their sign', () => {
    expect([encode(0), encode(-0)]).toEqual([0, signBit])
    expect(Object.is(decode(signBit), -0)).toBe(true)
  })

  test('any number encodes to the nearest value', () => {
    const values = rising.map(decode)
    fc.assert(
      fc.property(
        fc.float({
          noNaN: true,
          noDefaultInfinity: true,
          max: Math.fround(Math.min(largest, 3e38)),
          min: Math.fround(-Math.min(largest, 3e38)),
        }),
        (x) => {
          const error = Math.abs(Math.abs(decode(encode(x))) - Math.abs(x))
          const above = values.findIndex((value) => value >= Math.abs(x))
          const neighbours = [values[above], values[above - 1]].filter((value) => value !== undefined)
          return neighbours.length > 0 && neighbours.every((value) => error <= Math.abs(value - Math.abs(x)))
        },
      ),
    )
  })
})

test('a double goes to f16 in one rounding: just above the middle is up, though its f32 lies on the middle', () => {
  const middle = 1 + 2 ** -11
  expect(Math.fround(middle + 2 ** -40)).toBe(middle)
  expect(encodeF16(middle)).toBe(0x3c00)
  expect(encodeF16(middle + 2 ** -40)).toBe(0x3c01)
})

test('roundHalfEven', () => {
  expect([0.5, 1.5, 2.5, 2.4999, 2.5001, 7].map(roundHalfEven)).toEqual([0, 2, 2, 2, 3, 7])
})
