import { createReferenceDevice, type Device, isTesseraError } from '@tessera-llm/tensor'
import { createDefaultDevice } from '@tessera-llm/tessera'
import type { DemoArguments } from './arguments.ts'
import { createPlainDevice } from './device/plain-attention.ts'
import { openWebGpu } from './device/webgpu.ts'
import { contentsOf, openModel } from './model/index.ts'
import { compareDevices } from './scene/agreement.ts'
import { showAttention } from './scene/attention.ts'
import { type DeviceFigures, type DeviceScene, showDevice } from './scene/device.ts'
import { introduce } from './scene/introduction.ts'
import type { Story } from './scene/generation.ts'
import type { SpeedProblem } from './scene/speed.ts'
import { summarize } from './scene/summary.ts'
import { showSwap } from './scene/swap.ts'
import { formatBytes, type Screen } from './terminal/index.ts'

/** Limit for slow devices: a larger model takes minutes in float64 loops, and nearly so on a software GPU. */
const smallParameters = 1e7

/** Runs the demo. Returns whether all devices and kernels agree. */
export async function demo(args: DemoArguments, screen: Screen, signal: AbortSignal): Promise<boolean> {
  const files = await openModel(args.model, {
    signal,
    onNote: (line) => screen.line(line),
    onProgress: ({ loadedBytes, totalBytes }) =>
      screen.status(`downloading ${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`),
  })
  try {
    introduce(files, screen)
    const { config, text, checkpoint, isOwn } = files
    const prompt =
      args.prompt ??
      (text.chatTemplate ? 'What is the capital of France, and what is it famous for?' : 'Our country has')
    const mostTokens = args.maxTokens ?? (text.chatTemplate ? 96 : 48)
    const contextLength = Math.min(2048, config.contextLength)
    const figures: DeviceFigures[] = []
    let failed = false
    const isSmall = contentsOf(checkpoint).parameters <= smallParameters
    const tell = (most = mostTokens): Story => ({ prompt, maxTokens: Math.min(mostTokens, most), signal })
    const show = async (device: Device, title: string, changes: Partial<DeviceScene>): Promise<void> => {
      screen.heading(title)
      const scene: DeviceScene = {
        files,
        signal,
        story: tell(),
        ids: text.tokenizer.encode(prompt, { addSpecial: true }).slice(0, 8),
        speed: { promptTokens: 128, decodeTokens: 32, budgetMs: 1500 },
        contextLength,
        chunkTokens: 128,
        ...changes,
      }
      figures.push(await showDevice(device, scene, screen))
    }

    const wasm = await createDefaultDevice({ device: 'wasm' })
    try {
      await show(wasm, `WebAssembly on all cores: ${wasm.name}`, {})
      await withDevice(await createDefaultDevice({ device: 'wasm', threads: 1 }), (device) =>
        show(device, `WebAssembly, one thread: ${device.name}`, { story: tell(16) }),
      )

      const webgpu = await openWebGpu()
      if ('reason' in webgpu) {
        screen.heading('WebGPU')
        screen.line(`left out: ${webgpu.reason}`)
      } else {
        const { device, isSoftware } = webgpu
        const title = isSoftware ? `WebGPU without a GPU: ${device.name}` : `WebGPU: ${device.name}`
        const changes = !isSoftware
          ? {}
          : isSmall
            ? { story: tell(16), speed: briefly(32, 8) }
            : { story: undefined, speed: briefly(8, 2) }
        failed = !(await withDevice(device, () => attempt(() => show(device, title, changes), screen, signal)))
      }

      if (isSmall) {
        const title = 'reference: every op as it is defined, in float64 loops'
        await withDevice(createReferenceDevice(), (device) =>
          show(device, title, { story: tell(8), speed: briefly(8, 4), chunkTokens: 8 }),
        )
      } else {
        screen.heading('reference')
        screen.line(
          'left out: float64 loops would take minutes for a model of this size; npm run demo shows them on the small one',
        )
      }

      const agree = compareDevices(figures, screen)
      screen.heading('plain and flash attention, two kernels of one op, on WebAssembly')
      const swap = { files, prompt, maxTokens: Math.min(mostTokens, 48), contextLength, signal }
      const isSame = await withDevice(await createPlainDevice(), (plain) =>
        showSwap({ flash: wasm, plain }, swap, screen),
      )
      await showAttention(wasm, { shape: config, lengths: [256, 1024, 2048], signal }, screen)
      summarize(figures, { isOwn, model: args.model }, screen)
      // Other models may have two tokens closer than rounding; the embedded one is known not to.
      return agree && (isSame || !isOwn) && !failed
    } finally {
      await wasm.dispose()
    }
  } finally {
    await files.checkpoint.close()
  }
}

function briefly(promptTokens: number, decodeTokens: number): SpeedProblem {
  return { promptTokens, decodeTokens, budgetMs: 0 }
}

/**
 * A device that fails (too little memory, a format without a kernel) does not end the demo. Returns whether it
 * succeeded.
 */
async function attempt(scene: () => Promise<void>, screen: Screen, signal: AbortSignal): Promise<boolean> {
  try {
    await scene()
    return true
  } catch (error) {
    if (signal.aborted || !isTesseraError(error)) throw error
    screen.line(screen.bold(`failed: ${error.message}`))
    return false
  }
}

async function withDevice<T>(device: Device, use: (device: Device) => Promise<T>): Promise<T> {
  try {
    return await use(device)
  } finally {
    await device.dispose()
  }
}
