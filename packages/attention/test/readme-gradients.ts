import { attention, attentionBackward } from '@tessera-llm/attention'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import type { Tensor } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'

const device = await createWasmDevice({ kernels: attentionWasm })
const values = Float32Array.from({ length: 4 * 100 * 32 }, (_, i) => Math.sin(i * i))
const q = device.tensor(values, [1, 4, 100, 32])
const [k, v] = [
  device.tensor(values.slice(0, 6400), [1, 2, 100, 32]),
  device.tensor(values.slice(6400), [1, 2, 100, 32]),
]

// The loss Σ o² / 2, whose gradient by o is o itself; and what a small step of q against its gradient does to it.
const lossAt = async (queries: Tensor) =>
  ((await device.read(attention(queries, k, v, { isCausal: true }).o)) as Float32Array).reduce(
    (sum, value) => sum + (value * value) / 2,
    0,
  )
const { o, lse } = attention(q, k, v, { isCausal: true })
const { dq, dk, dv } = attentionBackward({ q, k, v, o, lse, do: o }, { isCausal: true })
const gradient = (await device.read(dq)) as Float32Array
const moved = device.tensor(
  values.map((value, i) => value - 0.1 * (gradient[i] ?? 0)),
  q.shape,
)
console.log(dq.shape, dk.shape, dv.shape, (await lossAt(moved)) < (await lossAt(q)))
await device.dispose()
