import { attention, attentionOp, denseCache } from '@tessera-llm/attention'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { createWasmDevice } from '@tessera-llm/wasm'

const device = await createWasmDevice({ kernels: attentionWasm, threads: 2 })
const random = (...shape: number[]) =>
  device.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i)),
    shape,
  )

// 8 query heads share 2 key-value heads: grouped-query attention follows from the shapes [B, H, L, D].
const [q, k, v] = [random(1, 8, 100, 64), random(1, 2, 100, 64), random(1, 2, 100, 64)]
const flash = attention(q, k, v, { isCausal: true })
const plain = attention(q, k, v, { isCausal: true }, { kernel: 'plain' })
const [a, b] = [await device.read(flash.o), await device.read(plain.o)] as Float32Array[]
console.log(
  flash.o.shape,
  device.explain(attentionOp, { q, k, v }, { isCausal: true }).kernel,
  a?.every((value, i) => Math.abs(value - (b?.[i] ?? 0)) < 1e-5),
)

// A cache with room for 128 tokens, of which a step of 101 is appended; its queries see what came before them.
const cache = denseCache('f32').create(device, { layers: [{ numKvHeads: 2, headDim: 64 }], batch: 1, capacity: 128 })
cache.prepare(0, 101)
const step = { start: device.tensor(Int32Array.of(0), [1]), lengths: device.tensor(Int32Array.of(101), [1]) }
cache.layer(0).append(random(1, 101, 2, 64), random(1, 101, 2, 64), step)
const o = cache.layer(0).attend(random(1, 101, 8, 64), step)
console.log(o.shape, cache.byteLength)
await device.dispose()
