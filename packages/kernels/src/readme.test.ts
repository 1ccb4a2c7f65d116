import { readFile } from 'node:fs/promises'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { expect, test, vi } from 'vitest'
import * as everything from './index.ts'
import { kernelsWasm } from './wasm.ts'
import { kernelsWebgpu } from './webgpu.ts'

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8')

test('the README shows the example, which prints what the reference device computes', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-example.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  const calls = log.mock.calls
  log.mockRestore()

  const { gatedActivation, linear, rmsNorm } = everything
  const device = createReferenceDevice()
  const matrix = (rows: number, columns: number) =>
    device.tensor(
      Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
      [rows, columns],
    )
  const x = matrix(2, 8)
  const n = rmsNorm(x, undefined, { eps: 1e-5 })
  const y = linear(
    gatedActivation(linear(n, matrix(24, 8)), linear(n, matrix(24, 8)), { kind: 'silu' }),
    matrix(8, 24),
    { residual: x },
  )
  expect(calls).toEqual([[[2, 8], ((await device.read(y))[0] as number).toFixed(4)]])
})

/** Ops that callers replace by their parts on devices without a kernel for them, as the README says. */
const fusedForWebgpu = ['qkv-linear', 'gated-linear']
/** Ops of calibration, which callers compose or compute on the host on WebGPU. */
const calibrationForWasm = ['add-product', 'add-column-sums']

test('the README lists every op, and every op has kernels on both devices, those that fuse others on WebGPU, those of calibration on WebAssembly', async () => {
  const readme = await read('README.md')
  const ops = Object.entries(everything).flatMap(([name, value]) =>
    name.endsWith('Op') ? [(value as { readonly id: string }).id] : [],
  )
  expect(ops.length).toBeGreaterThan(15)
  for (const id of ops) {
    const camel = id.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
    expect(readme, id).toContain(`| \`${camel}(`)
    expect(
      kernelsWebgpu.some((kernel) => kernel.op === id),
      id,
    ).toBe(!calibrationForWasm.includes(id))
    expect(
      kernelsWasm.some((kernel) => kernel.op === id),
      id,
    ).toBe(!fusedForWebgpu.includes(id))
  }
})
