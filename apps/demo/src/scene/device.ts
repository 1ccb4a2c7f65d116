import type { Device } from '@tessera-llm/tensor'
import type { ModelFiles } from '../model/index.ts'
import { formatBytes, formatRate, formatTime, type Screen } from '../terminal/index.ts'
import { type Story, stream } from './generation.ts'
import { measureSpeed, type Speed, type SpeedProblem } from './speed.ts'

export interface DeviceScene {
  readonly files: ModelFiles
  /** Absent if the device is too slow for this model: it is measured and compared, but writes nothing. */
  readonly story: Story | undefined
  /** Prompt of the compared logits, the same on every device. */
  readonly ids: readonly number[]
  readonly signal: AbortSignal
  readonly speed: Omit<SpeedProblem, 'signal'>
  readonly contextLength: number
  /** Tokens that prefill computes before it looks for Ctrl-C. */
  readonly chunkTokens: number
}

/** Results of a device for the closing table. */
export interface DeviceFigures extends Speed {
  readonly device: string
  /** Largest amount of memory in tensors: weights, cache and activations. */
  readonly peakBytes: number
  readonly loadMs: number
  /** Greedy text; empty without a story. */
  readonly ids: readonly number[]
  /** Logits after the scene's `ids`, with activations of all layers in f32 or wider. */
  readonly logits: Float32Array
}

/** Loads the model on a device, streams a text, and measures. Frees everything it put on the device. */
export async function showDevice(
  device: Device,
  { files, story, ids: compared, signal, speed, contextLength, chunkTokens }: DeviceScene,
  screen: Screen,
): Promise<DeviceFigures> {
  const begin = performance.now()
  const model = await files.load({
    device,
    contextLength,
    chunkTokens,
    signal,
    onProgress: ({ loadedBytes, totalBytes }) =>
      screen.status(`loading ${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`),
  })
  const loadMs = performance.now() - begin
  try {
    const ids = story ? await stream(model, story, screen) : []
    screen.status('measuring …')
    const measured = await measureSpeed(model.session, { ...speed, signal })
    const { peakBytes } = device.memory()
    screen.status('comparing …')
    const logits = await model.createSession({ activations: 'f32' }).prefill(compared, { signal })
    const { promptTokensPerSecond, decodeTokensPerSecond } = measured
    screen.line(
      screen.dim(
        `prompt ${formatRate(promptTokensPerSecond)} tok/s, decode ${formatRate(decodeTokensPerSecond)} tok/s, ${formatBytes(peakBytes)} of tensors, loaded in ${formatTime(loadMs)}`,
      ),
    )
    return { ...measured, device: device.name, peakBytes, loadMs, ids, logits }
  } finally {
    await model.dispose()
  }
}
