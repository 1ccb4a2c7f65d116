import { gatedActivation, linear, rmsNorm } from '@tessera-llm/kernels'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createWasmDevice } from '@tessera-llm/wasm'

const device = await createWasmDevice({ kernels: kernelsWasm, threads: 2 })
const matrix = (rows: number, columns: number) =>
  device.tensor(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
    [rows, columns],
  )
const [gate, up, down] = [matrix(24, 8), matrix(24, 8), matrix(8, 24)]
const norm = device.tensor(new Float32Array(8).fill(1), [8])

/** Feed-forward half of a llama layer: x + down(silu(gate(n)) · up(n)), n = rmsNorm(x). */
const x = matrix(2, 8)
const y = device.scope((scope) => {
  const n = rmsNorm(x, norm, { eps: 1e-5 })
  const inner = gatedActivation(linear(n, gate), linear(n, up), { kind: 'silu' })
  return scope.keep(linear(inner, down, { residual: x }))
})
console.log(y.shape, ((await device.read(y))[0] as number).toFixed(4))
await device.dispose()
