import { createRandom, createReferenceDevice } from '@tessera-llm/tensor'
import { wasmSetups } from '@tessera-llm/testing'
import { createWasmDevice } from '@tessera-llm/wasm'
import { describe, expect, test } from 'vitest'
import { addColumnSumsOp } from '../index.ts'
import { kernelsWasm } from '../wasm.ts'

describe.each(wasmSetups)('$threads threads, relaxed SIMD $relaxedSimd', ({ threads, relaxedSimd }) => {
  test.each([
    [1, 1],
    [4, 4],
    [5, 7],
    [9, 30],
    [130, 64],
  ])('%d rows of %d columns are added in their order', async (rows, columns) => {
    const device = await createWasmDevice({ kernels: kernelsWasm, threads, relaxedSimd })
    const random = createRandom(rows)
    const sums = device.tensor(new Float64Array(3 * columns), [3, columns])
    const largest = device.tensor(new Float32Array(columns), [columns])
    const expected = new Float64Array(3 * columns)
    const most = new Float32Array(columns)
    for (let window = 0; window < 3; window++) {
      const x = Float32Array.from({ length: rows * columns }, () => random.normal() ** 3)
      for (const [i, value] of x.entries()) {
        const column = i % columns
        for (const [part, term] of [value, value * value, Math.abs(value)].entries())
          expected[part * columns + column] = (expected[part * columns + column] as number) + term
        most[column] = Math.max(most[column] as number, Math.abs(value))
      }
      device.scope(() => device.run(addColumnSumsOp, { x: device.tensor(x, [rows, columns]), sums, largest }, {}))
    }
    expect(await device.read(sums)).toEqual(expected)
    expect(await device.read(largest)).toEqual(most)
    await device.dispose()
  })

  test('what is no number stays so', async () => {
    const device = await createWasmDevice({ kernels: kernelsWasm, threads, relaxedSimd })
    const sums = device.tensor(new Float64Array(24), [3, 8])
    const x = device.tensor(new Float32Array(40).fill(1).fill(Number.NaN, 11, 12), [5, 8])
    device.run(addColumnSumsOp, { x, sums, largest: device.tensor(new Float32Array(8), [8]) }, {})
    expect([...(await device.read(sums)).subarray(0, 8)]).toEqual([5, 5, 5, Number.NaN, 5, 5, 5, 5])
    await device.dispose()
  })
})

test('the reference is the definition, and what does not fit is refused', async () => {
  const device = createReferenceDevice()
  const sums = device.tensor(Float64Array.of(1, 1, 1, 1, 1, 1), [3, 2])
  const largest = device.tensor(new Float32Array(2), [2])
  device.run(addColumnSumsOp, { x: device.tensor(Float32Array.of(1, -2, 3, 4), [2, 2]), sums, largest }, {})
  expect([...(await device.read(sums)), ...(await device.read(largest))]).toEqual([5, 3, 11, 21, 5, 7, 3, 4])
  expect(() => device.run(addColumnSumsOp, { x: device.empty([2, 3], 'f32'), sums, largest }, {})).toThrow(
    'x [T, K] takes sums [3, K] and largest [K]',
  )
  expect(() => device.run(addColumnSumsOp, { x: sums, sums, largest }, {})).toThrow('x and largest must be f32')
})
