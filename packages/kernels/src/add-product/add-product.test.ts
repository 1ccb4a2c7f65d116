import { createRandom, createReferenceDevice, type Device } from '@tessera-llm/tensor'
import { wasmSetups } from '@tessera-llm/testing'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addProductOp, matmul } from '../index.ts'
import { kernelsWasm } from '../wasm.ts'

type Size = readonly [rows: number, m: number, n: number]

/** Rows, columns of both sides: tiles of six and four, panels and pairs of them, whole and ragged. */
const sizes: readonly Size[] = [
  [1, 1, 1],
  [3, 4, 8],
  [40, 6, 16],
  [17, 11, 33],
  [64, 50, 50],
  [33, 96, 40],
  [512, 100, 121],
]

const random = createRandom(4)
const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal())

/** The total after two windows, from one that was not zero. */
async function totalOf(
  device: Device,
  windows: readonly { readonly left: Float32Array; readonly right: Float32Array }[],
  [rows, m, n]: Size,
  isUpper: boolean,
): Promise<Float64Array> {
  const total = device.tensor(new Float64Array(m * n).fill(0.1), [m, n])
  device.scope(() => {
    for (const { left, right } of windows)
      device.run(
        addProductOp,
        { left: device.tensor(left, [rows, m]), right: device.tensor(right, [rows, n]), total },
        { isUpper },
      )
  })
  const values = (await device.read(total)) as Float64Array
  total.dispose()
  return values
}

describe.each(wasmSetups)('$threads threads, relaxed SIMD $relaxedSimd', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: kernelsWasm, threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  test.each(sizes)('adds products of %d rows, %d by %d columns, of the bits of matmul', async (...size) => {
    const [rows, m, n] = size
    const windows = [0, 1].map(() => ({ left: normal(rows * m), right: normal(rows * n) }))
    const expected = new Float64Array(m * n).fill(0.1)
    for (const { left, right } of windows) {
      const product = device.scope(({ keep }) =>
        keep(matmul(device.tensor(left, [rows, m]), device.tensor(right, [rows, n]), { transposeA: true })),
      )
      for (const [i, value] of ((await device.read(product)) as Float32Array).entries())
        expected[i] = (expected[i] as number) + value
      product.dispose()
    }
    expect(await totalOf(device, windows, size, false)).toEqual(expected)
    const exact = await totalOf(createReferenceDevice(), windows, size, false)
    const most = exact.reduce((sum, value, i) => Math.max(sum, Math.abs(value - (expected[i] as number))), 0)
    expect(most).toBeLessThan(1e-6 * rows)
    expect(device.memory().liveTensors).toBe(0)
  })

  test.each(sizes)('of a product with itself, %d rows and %d columns, the upper half is the same', async (rows, m) => {
    const x = normal(rows * m)
    const windows = [{ left: x, right: x }]
    const size: Size = [rows, m, m]
    const [upper, whole] = [await totalOf(device, windows, size, true), await totalOf(device, windows, size, false)]
    for (let row = 0; row < m; row++)
      expect(upper.subarray(row * m + row, (row + 1) * m)).toEqual(whole.subarray(row * m + row, (row + 1) * m))
  })
})

test('what does not fit is refused', () => {
  const device = createReferenceDevice()
  const run = (left: number[], right: number[], total: number[], dtype: 'f32' | 'f64' = 'f64') =>
    device.run(
      addProductOp,
      { left: device.empty(left, 'f32'), right: device.empty(right, 'f32'), total: device.empty(total, dtype) },
      {},
    )
  expect(() => run([2, 3], [3, 4], [3, 4])).toThrow('add-product: left [T, M] and right [T, N] are added to [M, N]')
  expect(() => run([2, 3], [2, 4], [4, 3])).toThrow('not [2, 3] and [2, 4] to [4, 3]')
  expect(() => run([2, 3], [2, 4], [3, 4], 'f32')).toThrow('total f64, not f32, f32 and f32')
})
