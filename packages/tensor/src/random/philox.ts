// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
const multiplier0 = 0xd2511f53
const multiplier1 = 0xcd9e8d57
const weyl0 = 0x9e3779b9
const weyl1 = 0xbb67ae85

/** Four random u32 words from a 128-bit counter and a 64-bit key: equal on every device, in any order of evaluation. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(multiplier0, c0)
    const low0 = Math.imul(multiplier0, c0) >>> 0
    const high1 = multiplyHigh(multiplier1, c2)
    const low1 = Math.imul(multiplier1, c2) >>> 0
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0
    k0 = (k0 + weyl0) >>> 0
    k1 = (k1 + weyl1) >>> 0
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0]
}

/** Seeded stream of random numbers. */
export interface Random {
  /** Uniform in [0, 1) with 24 random bits: exact in f32, so every device draws the same values. */
  uniform(): number
  /** Standard normal (Box–Muller). */
  normal(): number
  /** Uniform integer in [0, bound). */
  integer(bound: number): number
}

/** Seeded stream of random numbers by Philox4x32-10. `stream` separates independent sequences of one seed. */
export function createRandom(seed: number, stream = 0): Random {
  const key: [number, number] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]
  let block = 0
  let words: number[] = []
  const next = (): number => {
    if (words.length === 0) {
      words = philox([block >>> 0, Math.floor(block / 2 ** 32) >>> 0, stream >>> 0, 0], key)
      block += 1
    }
    return words.shift() as number
  }
  let spare: number | undefined
  const random: Random = {
    uniform: () => (next() >>> 8) * 2 ** -24,
    normal() {
      if (spare !== undefined) {
        const value = spare
        spare = undefined
        return value
      }
      const radius = Math.sqrt(-2 * Math.log(((next() >>> 8) + 1) * 2 ** -24))
      const angle = 2 * Math.PI * random.uniform()
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
    integer: (bound) => Math.floor((next() >>> 0) * 2 ** -32 * bound),
  }
  return random
}

function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const low = aLow * bLow
  const middle = aHigh * bLow + Math.floor(low / 0x10000)
  const middleLow = (middle % 0x10000) + aLow * bHigh
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(middleLow / 0x10000)) >>> 0
}
