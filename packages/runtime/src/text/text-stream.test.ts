import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTextStream } from './index.ts'

const control = 1_000_000

/** A tokenizer whose tokens are chunks of bytes; the id is the index in the list. */
function tokensOf(chunks: readonly Uint8Array[]) {
  return { tokenBytes: (id: number) => chunks[id] as Uint8Array, isSpecial: (id: number) => id === control }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Outputs of each push and of the flush at the end. */
function streamed(
  chunks: readonly Uint8Array[],
  stop: readonly string[] = [],
): { readonly pieces: string[]; readonly stopped: boolean } {
  const stream = createTextStream({ tokenizer: tokensOf(chunks), stop })
  const pieces = chunks.map((_, id) => stream.push(id))
  return { pieces: [...pieces, stream.flush()], stopped: stream.stopped }
}

/** Bytes cut at random positions. */
const chunked = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array[]> =>
  bytes.chain((all) =>
    fc.array(fc.nat({ max: all.length }), { maxLength: 20 }).map((cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), all.length]
      return places.slice(1).map((end, index) => all.subarray(places[index], end))
    }),
  )

/** The definition: cuts at the stop text that is complete after the fewest characters. */
function cutAtStop(text: string, stops: readonly string[]): string {
  for (let end = 1; end <= text.length; end++) {
    const found = stops.filter((stop) => text.slice(0, end).endsWith(stop)).map((stop) => end - stop.length)
    if (found.length > 0) return text.slice(0, Math.min(...found))
  }
  return text
}

describe('a text stream', () => {
  it('gives out the whole text, and never half a character, however the bytes are cut', () => {
    fc.assert(
      fc.property(chunked(fc.string({ unit: 'binary' }).map(bytesOf)), (chunks) => {
        const { pieces } = streamed(chunks)
        expect(pieces.join('')).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(chunks)))
        for (const piece of pieces) expect(/\p{Surrogate}/u.test(piece)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it('reads bytes that are no UTF-8 as decoding at once does', () => {
    fc.assert(
      fc.property(chunked(fc.uint8Array({ maxLength: 60 })), (chunks) => {
        expect(streamed(chunks).pieces.join('')).toBe(
          new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(chunks)),
        )
      }),
      { numRuns: 1000 },
    )
  })

  it('gives out nothing of a stop text nor after it, and everything before it', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\u{1f600}', 'é'), maxLength: 30 })
    const stops = fc.array(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\u{1f600}', 'é'), minLength: 1, maxLength: 4 }),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(
        letters.chain((text) => fc.record({ text: fc.constant(text), chunks: chunked(fc.constant(bytesOf(text))) })),
        stops,
        ({ text, chunks }, stop) => {
          const { pieces, stopped } = streamed(chunks, stop)
          const expected = cutAtStop(text, stop)
          expect(pieces.join('')).toBe(expected)
          expect(stopped).toBe(stop.some((stopText) => text.includes(stopText)))
          // No output may contain text that a later chunk completes to a stop text.
          let shown = ''
          for (const piece of pieces) {
            shown += piece
            expect(expected.startsWith(shown)).toBe(true)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('holds back only what may begin a stop text', () => {
    const stream = createTextStream({
      tokenizer: tokensOf(['Hello', '\nUs', 'e', 'r:', 'x'].map(bytesOf)),
      stop: ['\nUser:'],
    })
    expect([0, 1, 2].map((id) => stream.push(id))).toEqual(['Hello', '', ''])
    expect(stream.stopped).toBe(false)
    expect(stream.push(3)).toBe('')
    expect(stream.stopped).toBe(true)
    expect(stream.push(4)).toBe('')
    expect(stream.flush()).toBe('')
  })

  it('gives out at the end what was held back, and U+FFFD for half a character', () => {
    const stream = createTextStream({
      tokenizer: tokensOf([bytesOf('a\nUs'), Uint8Array.of(0xf0, 0x9f)]),
      stop: ['\nUser:'],
    })
    expect(stream.push(0)).toBe('a')
    expect(stream.push(1)).toBe('')
    expect(stream.flush()).toBe('\nUs\ufffd')
  })

  it('gives control tokens no text', () => {
    const stream = createTextStream({ tokenizer: tokensOf([bytesOf('a')]) })
    expect(stream.push(0) + stream.push(control) + stream.push(0) + stream.flush()).toBe('aa')
  })

  it('ignores empty stop texts and refuses half characters', () => {
    expect(streamed([bytesOf('a')], ['']).pieces.join('')).toBe('a')
    expect(() => createTextStream({ tokenizer: tokensOf([]), stop: ['\ud83d'] })).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    )
  })
})
