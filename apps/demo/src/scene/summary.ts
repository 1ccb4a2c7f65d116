import { formatBytes, formatRate, formatTable, formatTime, type Screen } from '../terminal/index.ts'
import type { DeviceFigures } from './device.ts'

export interface SummaryScene {
  readonly isOwn: boolean
  /** Value of `--model`. */
  readonly model: string | undefined
}

/** The closing table, and what to do next. */
export function summarize(figures: readonly DeviceFigures[], { isOwn, model }: SummaryScene, screen: Screen): void {
  screen.heading('what it took')
  const rows = figures.map(
    ({ device, promptTokens, promptTokensPerSecond, decodeTokens, decodeTokensPerSecond, peakBytes, loadMs }) => [
      device,
      `${formatRate(promptTokensPerSecond)} (${promptTokens})`,
      `${formatRate(decodeTokensPerSecond)} (${decodeTokens})`,
      formatBytes(peakBytes),
      formatTime(loadMs),
    ],
  )
  screen.line(formatTable(['device', 'prompt tok/s', 'decode tok/s', 'tensors', 'load'], rows))
  screen.line(
    screen.dim(
      'in parentheses: the tokens that were timed, after a first run; tensors: the most bytes in weights, cache and activations at once',
    ),
  )
  screen.line()
  screen.line(
    isOwn ? 'Your own model:  npm run demo -- --model MODEL.gguf' : `Talk with it:  npm run tessera -- chat ${model}`,
  )
}
