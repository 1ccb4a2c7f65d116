import { expect, it } from 'vitest'
import { createWasmDevice } from '../src/index.ts'

it('a 32-bit memory ends at 4 GiB', async () => {
  const device = await createWasmDevice({ kernels: [], threads: 1 })
  try {
    let message = ''
    try {
      device.empty([2 ** 30], 'f32')
    } catch (error) {
      message = String(error)
    }
    expect(message).toMatch(
      /^TesseraError: wasm: a tensor of \[1073741824\] f32 needs the arena to grow to \d+ bytes, but its limit is \d+ /,
    )
    expect(Number(/its limit is (\d+)/.exec(message)?.[1])).toBeLessThanOrEqual(2 ** 32)
    const x = device.tensor(Float32Array.of(1, 2), [2])
    expect(await device.read(x)).toEqual(Float32Array.of(1, 2))
  } finally {
    await device.dispose()
  }
})
