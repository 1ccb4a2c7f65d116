import type { Listeners } from '@tessera-llm/tessera/node'
import type { Output } from './output.ts'
import type { Progress } from './progress.ts'

/** Shows the progress of work in phases, one bar each. A note removes the bar, which the next report shows again. */
export function followPhases(output: Output): {
  readonly listeners: Required<Pick<Listeners, 'onProgress' | 'onNote'>>
  end(): void
} {
  let shown: { readonly phase: string; readonly bar: Progress } | undefined
  const end = (): void => {
    shown?.bar.end()
    shown = undefined
  }
  return {
    end,
    listeners: {
      onProgress({ phase, done, total }) {
        if (shown?.phase !== phase) {
          end()
          shown = { phase, bar: output.progress(phase) }
        }
        shown.bar.report(done, total)
      },
      onNote(line) {
        end()
        output.note(line)
      },
    },
  }
}
