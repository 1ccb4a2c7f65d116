import { expect, test } from 'vitest'
import { createArgumentBuffer } from './encode.ts'

test('no word is lost where the buffer grows', () => {
  for (const kind of ['u32', 'i32', 'f32'] as const) {
    const buffer = createArgumentBuffer()
    const count = 5000
    for (let value = 1; value <= count; value++) buffer.writer[kind](value)
    const { buffer: memory, length } = buffer.words()
    const words = kind === 'f32' ? new Float32Array(memory, 0, length) : new Uint32Array(memory, 0, length)
    expect(Array.from(words)).toEqual(Array.from({ length: count }, (_, index) => index + 1))
  }
})

test('blocks start at multiples of 64 bytes, filled with zeros', () => {
  const buffer = createArgumentBuffer()
  buffer.writer.u32(7)
  expect(buffer.begin()).toBe(64)
  buffer.writer.f32(0.5).i32(-1)
  expect(buffer.begin()).toBe(128)
  expect(buffer.begin()).toBe(128)
  expect(Array.from(buffer.words())).toEqual([
    7,
    ...Array<number>(15).fill(0),
    0x3f000000,
    0xffffffff,
    ...Array<number>(14).fill(0),
  ])
  buffer.clear()
  expect(buffer.byteLength).toBe(0)
})
