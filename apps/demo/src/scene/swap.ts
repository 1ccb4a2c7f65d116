import type { Device } from '@tessera-llm/tensor'
import type { ModelFiles } from '../model/index.ts'
import { formatTime, type Screen } from '../terminal/index.ts'

export interface SwapScene {
  readonly files: ModelFiles
  readonly prompt: string
  readonly maxTokens: number
  readonly contextLength: number
  readonly signal: AbortSignal
}

/**
 * Runs the whole model on a device with flash attention and on one with plain attention only. Returns whether they
 * write the same tokens.
 */
export async function showSwap(
  devices: { readonly flash: Device; readonly plain: Device },
  scene: SwapScene,
  screen: Screen,
): Promise<boolean> {
  const flash = await write(devices.flash, scene, (status) => screen.status(`flash attention: ${status}`))
  const plain = await write(devices.plain, scene, (status) => screen.status(`plain attention: ${status}`))
  const parting = flash.findIndex((id, index) => id !== plain[index])
  const isSame = parting === -1 && flash.length === plain.length
  screen.line(
    isSame
      ? `The model writes the same ${flash.length} tokens with either.`
      : screen.bold(`The model writes OTHER tokens from token ${(parting === -1 ? flash.length : parting) + 1} on.`),
  )
  return isSame
}

/** Greedy, with f32 activations: int8 would round differences between kernels up to a whole step. */
async function write(
  device: Device,
  { files, prompt, maxTokens, contextLength, signal }: SwapScene,
  report: (status: string) => void,
): Promise<readonly number[]> {
  report('loading …')
  const model = await files.load({ device, contextLength, activations: 'f32', signal })
  try {
    const begin = performance.now()
    const options = { maxTokens, temperature: 0, signal }
    const generation = model.chatTemplate
      ? model.chat([{ role: 'user', content: prompt }], options)
      : model.generate(prompt, options)
    for await (const _ of generation) report(`writing, ${formatTime(performance.now() - begin)} …`)
    return (await generation.result).ids
  } finally {
    await model.dispose()
  }
}
