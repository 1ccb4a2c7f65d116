import { attention } from '@tessera-llm/attention'
import { attentionWebgpu } from '@tessera-llm/attention/webgpu'
import { createWebGpuDevice } from '@tessera-llm/webgpu'

const device = await createWebGpuDevice({ kernels: attentionWebgpu })
const wave = (...shape: number[]) =>
  device.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i)),
    shape,
  )

const { o } = attention(wave(1, 8, 100, 64), wave(1, 2, 100, 64), wave(1, 2, 100, 64), { isCausal: true })
const row = ((await device.read(o)) as Float32Array).slice(0, 3) // of the first query, which sees the first key alone: its value
document.body.append(`[${o.shape}] on ${device.kind}, beginning with ${[...row].map((x) => x.toFixed(3)).join(', ')}`)
await device.dispose()
