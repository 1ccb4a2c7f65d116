import { createReferenceDevice, type Device } from '@tessera-llm/tensor'
import { createDefaultDevice } from '@tessera-llm/tessera'
import type { DemoArguments } from './arguments.ts'
import { createPlainDevice } from './device/plain-attention.ts'
import { openWebGpu } from './device/webgpu.ts'
import { contentsOf, openModel } from './model/index.ts'
import { compareDevices } from './scene/agreement.ts'
import { showAttention } from './scene/attention.ts'
import { type DeviceFigures, type DeviceScene, showDevice } from './scene/device.ts'
import { introduce } from './scene/introduction.ts'
import { summarize } from './scene/summary.ts'
import { showSwap } from './scene/swap.ts'
import type { Screen } from './terminal/index.ts'

/** Float64 loops: a larger model would take minutes there. */
const referenceParameters = 1e7

/** What `npm run demo` shows. Returns whether all devices and kernels agree. */
export async function demo(args: DemoArguments, screen: Screen, signal: AbortSignal): Promise<boolean> {
  const files = await openModel(args.model)
  try {
    introduce(files, screen)
    const { config, text, checkpoint, isOwn } = files
    const { parameters } = contentsOf(checkpoint)
    const prompt = args.prompt ?? (text.chatTemplate ? 'What is the capital of France, and what is it famous for?' : 'The President of the United States')
    const contextLength = Math.min(2048, config.contextLength)
    const figures: DeviceFigures[] = []
    const show = async (device: Device, title: string, changes: Partial<DeviceScene> & { readonly most?: number } = {}): Promise<void> => {
      screen.heading(title)
      const scene: DeviceScene = {
        files,
        story: { prompt, maxTokens: Math.min(args.maxTokens, changes.most ?? args.maxTokens), signal },
        speed: { promptTokens: 128, decodeTokens: 32, budgetMs: 1500 },
        contextLength,
        chunkTokens: 128,
        ...changes,
      }
      figures.push(await showDevice(device, scene, screen))
    }

    const wasm = await createDefaultDevice({ device: 'wasm' })
    try {
      await show(wasm, `WebAssembly, as many threads as there are cores: ${wasm.name}`)
      await withDevice(await createDefaultDevice({ device: 'wasm', threads: 1 }), (device) => show(device, `WebAssembly, one thread: ${device.name}`, { most: 16 }))

      const webgpu = await openWebGpu()
      if ('reason' in webgpu) {
        screen.heading('WebGPU')
        screen.line(`left out: ${webgpu.reason}`)
      } else {
        const { device, isSoftware } = webgpu
        const title = isSoftware ? `WebGPU without a GPU: ${device.name}` : `WebGPU: ${device.name}`
        await withDevice(device, () => show(device, title, isSoftware ? { most: 16, speed: { promptTokens: 32, decodeTokens: 8, budgetMs: 0 } } : {}))
      }

      if (parameters <= referenceParameters) {
        const title = 'reference: every op as it is defined, in float64 loops'
        await withDevice(createReferenceDevice(), (device) => show(device, title, { most: 8, speed: { promptTokens: 8, decodeTokens: 4, budgetMs: 0 }, chunkTokens: 8 }))
      } else {
        screen.heading('reference')
        screen.line('left out: float64 loops would take minutes for a model of this size; npm run demo shows them on the small one')
      }

      const agree = compareDevices(figures, screen)
      screen.heading('plain and flash attention, two kernels of one op, on WebAssembly')
      const flashIds = figures[0]?.ids ?? []
      const same = await withDevice(await createPlainDevice(), (device) => showSwap(device, { files, prompt, maxTokens: args.maxTokens, flashIds, contextLength, signal }, screen))
      await showAttention(wasm, { shape: config, lengths: [256, 1024, 2048], signal }, screen)
      summarize(figures, { isOwn, model: args.model }, screen)
      return agree && same
    } finally {
      await wasm.dispose()
    }
  } finally {
    await files.checkpoint.close()
  }
}

async function withDevice<T>(device: Device, use: (device: Device) => Promise<T>): Promise<T> {
  try {
    return await use(device)
  } finally {
    await device.dispose()
  }
}
