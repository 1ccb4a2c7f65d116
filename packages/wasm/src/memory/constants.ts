import { layout } from './layout.ts'
import type { ArenaMemory } from './memory.ts'

/** Numbers of e^x and 2^x in the order of the assembly's names; the coefficients are those of `exp4` and `exp2of4`. */
const scalars = [
  -87.3365478515625,
  88.7228,
  Math.LOG2E,
  12582912,
  -2.1219444e-4,
  0.693359375,
  1,
  1 / 5040,
  1 / 720,
  1 / 120,
  1 / 24,
  1 / 6,
  0.5,
  -126,
  0.0001534581185092088,
  0.0013399931218651565,
  0.009618488957699725,
  0.05550328776967388,
  0.24022646890628507,
  0.6931472057372655,
]

/** Bits of words, behind the numbers, in the order of the assembly's names from `HALF_MAGNITUDE` on. */
const bits = [0x0fffe000, 0x38000000, 0x38800000, 0x80000000, 0x000f000f, 0x00030003, 0, 0x80808080]

/**
 * Writes the vectors that kernels load as constants: some engines rematerialize constants in each iteration, which
 * halves the speed of the hottest loops. The assembly's `constants.ts` has the same order.
 */
export function writeConstants(memory: ArenaMemory): void {
  const words = memory.words()
  const floats = new Float32Array(words.buffer, words.byteOffset, layout.heap / 4)
  let at = layout.constants / 4
  const splat = (word: number): void => {
    words.fill(word, at, at + 4)
    at += 4
  }
  // 0: the low nibble of every byte
  splat(0x0f0f0f0f)
  // 1: sign, exponent and fraction of an f16 in f32 position
  splat(0x8fffe000)
  // 2: 2^112, the difference of the exponents' biases
  floats.fill(2 ** 112, at, at + 4)
  at += 4
  // 3: bit 4 of every byte; 4: bits 4 and 5
  splat(0x10101010)
  splat(0x30303030)
  // 5: the lowest two bits; 6: bit 2
  splat(0x03030303)
  splat(0x04040404)
  // 7: the levels of IQ4_NL (ggml); 8: the values of e2m1 doubled, plus 12, as bytes in the order of their codes
  const bytes = new Int8Array(words.buffer, words.byteOffset, layout.heap)
  bytes.set([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], at * 4)
  bytes.set([12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0], at * 4 + 16)
  floats.set(scalars, at + 8)
  words.set(bits, at + 8 + scalars.length)
}
