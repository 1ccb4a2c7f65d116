import type { Model } from '@tessera-llm/tessera'
import type { Screen } from '../terminal/index.ts'

export interface Story {
  readonly prompt: string
  readonly maxTokens: number
  readonly signal: AbortSignal
}

/** Streams a chat model's answer, or a continuation. Greedy, so that every device must write the same tokens. */
export async function stream(
  model: Model,
  { prompt, maxTokens, signal }: Story,
  screen: Screen,
): Promise<readonly number[]> {
  const options = { maxTokens, temperature: 0, signal }
  if (model.chatTemplate) screen.line(`${screen.dim('you')}    ${prompt}`)
  screen.write(model.chatTemplate ? `${screen.dim('model')}  ` : screen.dim(prompt))
  const generation = model.chatTemplate
    ? model.chat([{ role: 'user', content: prompt }], options)
    : model.generate(prompt, options)
  for await (const { text } of generation) screen.write(text)
  screen.endLine()
  return (await generation.result).ids
}
