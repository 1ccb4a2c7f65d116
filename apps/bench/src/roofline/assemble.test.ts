import { dotAddOf } from '@tessera-llm/wasm'
import { describe, expect, it } from 'vitest'
import { arithmeticModule, chainsOf, leb, readModule } from './assemble.ts'

type Run = (first: number, second: number) => number
async function instantiate(
  bytes: Uint8Array<ArrayBuffer>,
  memory = new WebAssembly.Memory({ initial: 1 }),
): Promise<Run> {
  const { instance } = await WebAssembly.instantiate(bytes, { m: { memory } })
  return instance.exports['run'] as Run
}

describe('leb', () => {
  it('writes seven bits a byte, low ones first', () => {
    expect([0, 127, 128, 0x112].map(leb)).toEqual([[0], [127], [128, 1], [0x92, 2]])
  })
})

describe('readModule', () => {
  it('reads every vector of its range and none behind it', async () => {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const words = new Int32Array(memory.buffer)
    const run = await instantiate(readModule(), memory)
    for (let vector = 0; vector < 64; vector++) {
      words.fill(0)
      words[vector * 4] = 1 << (vector % 31)
      expect(run(256, 768)).toBe(vector >= 16 && vector < 48 ? 1 << (vector % 31) : 0)
    }
  })
})

describe('arithmeticModule', () => {
  const seed = 5
  const memory = new WebAssembly.Memory({ initial: 1 })
  const factors = new Int8Array(memory.buffer, 0, 16 * chainsOf.dotAdd)
  for (let index = 0; index < factors.length; index++) factors[index] = ((index * 37) % 255) - 127
  const halves = new Int16Array(memory.buffer)

  const expected = (kind: 'dotI16' | 'dotI8' | 'dotAdd', turns: number): number => {
    const factor = seed ^ 2
    let folded = 0
    for (let chain = 0; chain < chainsOf[kind]; chain++) {
      const value = new Int8Array(16).fill(seed ^ (4 + chain))
      const [sums, words] = [new Int16Array(value.buffer), new Int32Array(value.buffer)]
      for (let turn = 0; turn < turns; turn++) {
        if (kind === 'dotI8')
          for (let lane = 0; lane < 8; lane++)
            sums[lane] =
              (sums[lane] as number) +
              factor * ((factors[16 * chain + 2 * lane] as number) + (factors[16 * chain + 2 * lane + 1] as number))
        else if (kind === 'dotAdd')
          for (let lane = 0; lane < 4; lane++)
            words[lane] =
              (words[lane] as number) +
              factor * factors.subarray(16 * chain + 4 * lane, 16 * chain + 4 * lane + 4).reduce((a, b) => a + b, 0)
        else
          for (let lane = 0; lane < 4; lane++)
            words[lane] =
              (words[lane] as number) +
              factor * 257 * ((halves[8 * chain + 2 * lane] as number) + (halves[8 * chain + 2 * lane + 1] as number))
      }
      folded ^= words[0] as number
    }
    return folded
  }

  it.each(['dotI16', 'dotI8'] as const)('%s computes what its instruction says', async (kind) => {
    const run = await instantiate(arithmeticModule(kind), memory)
    expect(run(1, seed)).toBe(expected(kind, 1))
    expect(run(3, seed)).toBe(expected(kind, 3))
  })

  it('dotAdd computes what its instruction says, where it is one', async ({ skip }) => {
    if (dotAddOf() === undefined) return skip('no such instruction here; Node.js 20 compiles others wrongly at first')
    const run = await instantiate(arithmeticModule('dotAdd'), memory)
    expect(run(1, seed)).toBe(expected('dotAdd', 1))
    expect(run(3, seed)).toBe(expected('dotAdd', 3))
  })

  it.each(['fmaF32', 'mulAddF32'] as const)('%s computes what its instruction says', async (kind) => {
    const run = await instantiate(arithmeticModule(kind))
    const [a, b] = [seed ^ 2, seed ^ 3]
    let folded = 0
    for (let chain = 0; chain < chainsOf[kind]; chain++) {
      let value = seed ^ (4 + chain)
      for (let turn = 0; turn < 3; turn++) value = kind === 'fmaF32' ? a * b + value : a * value + b
      folded ^= new Int32Array(Float32Array.of(value).buffer)[0] as number
    }
    expect(run(3, seed)).toBe(folded)
  })
})
