import { TesseraError } from '@tessera-llm/tensor'
import type { Tokenizer } from '../tokenizer/index.ts'

/** Options of `createTextStream`. */
export interface TextStreamOptions {
  readonly tokenizer: Pick<Tokenizer, 'tokenBytes' | 'isSpecial'>
  /**
   * Texts that end the stream; neither they nor the text after them is output. The one that is complete first counts,
   * the longest of several, independent of the token boundaries.
   */
  readonly stop?: readonly string[] | undefined
}

/**
 * Decodes tokens incrementally. Outputs only whole characters, and no text that may be the beginning of a stop text.
 */
export interface TextStream {
  /** The text that this token completed; often empty. Control tokens have no text. */
  push(id: number): string
  /** The rest of the text; an incomplete character becomes U+FFFD. Empty after a stop. */
  flush(): string
  /** Whether a stop text was found. */
  readonly stopped: boolean
}

/**
 * Creates a text stream.
 *
 * @throws TesseraError `invalid-option` for a stop text with half a character
 */
export function createTextStream({ tokenizer, stop = [] }: TextStreamOptions): TextStream {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const stops = stop.filter((text) => text !== '')
  const broken = stops.find((text) => /\p{Surrogate}/u.test(text))
  if (broken !== undefined)
    throw new TesseraError(
      'invalid-option',
      `text stream: the stop text ${JSON.stringify(broken)} holds half a character, which no text does; give whole characters`,
    )
  let held = ''
  let stopped = false

  const release = (): string => {
    const found = firstStop(held, stops)
    if (found !== undefined) {
      stopped = true
      const certain = held.slice(0, found)
      held = ''
      return certain
    }
    const keep = Math.max(0, ...stops.map((text) => overlap(held, text)))
    const certain = held.slice(0, held.length - keep)
    held = held.slice(held.length - keep)
    return certain
  }

  return {
    get stopped() {
      return stopped
    },
    push(id) {
      if (stopped || tokenizer.isSpecial(id)) return ''
      held += decoder.decode(tokenizer.tokenBytes(id), { stream: true })
      return release()
    },
    flush() {
      if (stopped) return ''
      held += decoder.decode()
      const certain = release()
      const rest = stopped ? '' : held
      held = ''
      return certain + rest
    },
  }
}

/** Start of the stop text that ends first; of several that end there, the longest. */
function firstStop(text: string, stops: readonly string[]): number | undefined {
  let start: number | undefined
  let end = Number.POSITIVE_INFINITY
  for (const stop of stops) {
    const index = text.indexOf(stop)
    if (index < 0 || index + stop.length > end) continue
    start = index + stop.length < end ? index : Math.min(index, start ?? index)
    end = index + stop.length
  }
  return start
}

/** Length of the longest suffix of `text` that is a prefix of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--)
    if (text.endsWith(stop.slice(0, length))) return length
  return 0
}
