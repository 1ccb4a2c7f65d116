import { attention, attentionOp, createContiguousCache, kvAppend } from '@tessera-llm/attention'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { createWasmDevice } from '@tessera-llm/wasm'

const device = await createWasmDevice({ kernels: attentionWasm, threads: 2 })
const random = (...shape: number[]) => device.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i)), shape)

// 8 query heads share 2 key-value heads: grouped-query attention follows from the shapes [B, H, L, D].
const [q, k, v] = [random(1, 8, 100, 64), random(1, 2, 100, 64), random(1, 2, 100, 64)]
const flash = attention(q, k, v, { isCausal: true })
const plain = attention(q, k, v, { isCausal: true }, { kernel: 'plain' })
const [a, b] = [await device.read(flash.o), await device.read(plain.o)] as Float32Array[]
console.log(flash.o.shape, device.explain(attentionOp, { q, k, v }, { isCausal: true }).kernel, a?.every((value, i) => Math.abs(value - (b?.[i] ?? 0)) < 1e-5))

// One more token, over a cache with room for 128: the rows beyond kvLengths are not seen.
const cache = createContiguousCache(device, { numLayers: 1, batch: 1, numKvHeads: 2, headDim: 64, capacity: 128 })
const layer = cache.layer(0)
kvAppend(layer.k, random(1, 101, 2, 64), device.tensor(Int32Array.of(0), [1]))
kvAppend(layer.v, random(1, 101, 2, 64), device.tensor(Int32Array.of(0), [1]))
const kvLengths = device.tensor(Int32Array.of(101), [1])
const { o } = attention(random(1, 8, 1, 64), layer.k, layer.v, { isCausal: true, kvLengths, returnLse: false })
console.log(o.shape, cache.byteLength)
await device.dispose()
