import type { Device } from '@tessera-llm/tensor'
import type { ModelFiles } from '../model/index.ts'
import { formatTime, type Screen } from '../terminal/index.ts'

export interface SwapScene {
  readonly files: ModelFiles
  readonly prompt: string
  readonly maxTokens: number
  /** What the device with flash attention wrote. */
  readonly flashIds: readonly number[]
  readonly contextLength: number
  readonly signal: AbortSignal
}

/** The whole model on a device without flash attention: its tokens must be the same. Returns whether they are. */
export async function showSwap(device: Device, { files, prompt, maxTokens, flashIds, contextLength, signal }: SwapScene, screen: Screen): Promise<boolean> {
  screen.status('loading …')
  const model = await files.load({ device, contextLength, signal })
  try {
    const begin = performance.now()
    const options = { maxTokens, temperature: 0, signal }
    const generation = model.chatTemplate ? model.chat([{ role: 'user', content: prompt }], options) : model.generate(prompt, options)
    for await (const _ of generation) screen.status(`writing with plain attention … ${formatTime(performance.now() - begin)}`)
    const { ids } = await generation.result
    const isSame = ids.length === flashIds.length && ids.every((id, index) => id === flashIds[index])
    screen.line(isSame ? `The model with plain attention alone writes the same ${ids.length} tokens.` : screen.bold('The model with plain attention alone writes OTHER tokens.'))
    return isSame
  } finally {
    await model.dispose()
  }
}
