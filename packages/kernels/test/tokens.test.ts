import { createReferenceDevice, type Device } from '@tessera-llm/tensor'
import { conform, normal } from '@tessera-llm/testing'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { linearOp, matmulOp } from '../src/index.ts'
import { kernelsWasm } from '../src/wasm.ts'

// WebAssembly multiplies tokens in tiles of six and four, shared among threads. Covers every way in which a count
// splits.
describe.each([1, 3])('tokens by sixes and fours, %i threads', (threads) => {
  let device: Device
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: kernelsWasm, threads })
  })
  afterAll(() => device?.dispose())
  const reference = createReferenceDevice()
  const tokens = Array.from({ length: 25 }, (_, index) => index + 1)

  test('linear, with bias and residual, and without', () =>
    conform(
      device,
      reference,
      linearOp,
      tokens.flatMap((count) =>
        [8, 13].flatMap((rows) => {
          const name = `${count} × 21 → ${rows}`
          const inputs = {
            x: normal([count, 21]),
            weight: normal([rows, 21], { seed: 2 }),
            bias: undefined,
            residual: undefined,
          }
          return [
            { name, inputs, options: {} },
            {
              name: `${name}, more`,
              inputs: { ...inputs, bias: normal([rows], { seed: 3 }), residual: normal([count, rows], { seed: 4 }) },
              options: {},
            },
          ]
        }),
      ),
    ))

  test('matmul, two products, in either order of storage', () =>
    conform(
      device,
      reference,
      matmulOp,
      tokens.flatMap((count) =>
        [false, true].map((transposeA) => ({
          name: `${count} × 21 → 13${transposeA ? ', transposed' : ''}`,
          inputs: { a: normal(transposeA ? [2, 21, count] : [2, count, 21]), b: normal([2, 21, 13], { seed: 2 }) },
          options: { transposeA },
        })),
      ),
    ))
})
