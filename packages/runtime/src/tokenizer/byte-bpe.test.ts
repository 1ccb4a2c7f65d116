import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteBpeJson, byteBpeMetadata, sentencePieceMetadata } from '../../test/support/small-vocabularies.ts'
import { wellFormed } from './bytes.ts'
import { createTokenizerFromGguf, createTokenizerFromJson } from './index.ts'
import { mergePairs } from './merge.ts'

/** Arbitrary text: code points of all planes, lone surrogates, and words and tokens of the vocabulary. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('the', ' thing', 'aaaa', '<tool>', '<|end|>', ' ', '\n', '\u2581', '\ufeff', '\ud800', '\udc00'),
    ),
  )
  .map((parts) => parts.join(''))

describe.each([
  ['byte-level BPE from GGUF', createTokenizerFromGguf(byteBpeMetadata())],
  ['byte-level BPE from tokenizer.json', createTokenizerFromJson(byteBpeJson())],
])('%s', (_, tokenizer) => {
  it('decodes what it encoded, whatever the text, with and without special tokens', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, parseSpecial) => {
        expect(tokenizer.decode(tokenizer.encode(text, { parseSpecial }))).toBe(wellFormed(text))
      }),
      { numRuns: 1000 },
    )
  })

  it('never makes a control token of text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.encode(text).some(tokenizer.isSpecial)).toBe(false)
      }),
    )
    expect(tokenizer.encode('<|end|>', { parseSpecial: true }).some(tokenizer.isSpecial)).toBe(true)
  })

  it('merges by rank, and the leftmost of equal ones first', () => {
    const spell = (text: string) => tokenizer.encode(text).map(tokenizer.tokenOf)
    expect(spell('the thing')).toEqual(['the', 'Ġ', 'th', 'ing'])
    expect(spell('aaaaaaa')).toEqual(['aaaa', 'aa', 'a'])
    expect(spell(' the')).toEqual(['Ġthe'])
  })

  it('matches user-defined tokens whole, before anything else', () => {
    expect(tokenizer.encode('the<tool>the').map(tokenizer.tokenOf)).toEqual(['the', '<tool>', 'the'])
  })
})

describe('SentencePiece-style BPE', () => {
  const tokenizer = createTokenizerFromGguf(sentencePieceMetadata())

  it('decodes what it encoded: its space mark comes back as a space, nothing else changes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text), { skipSpecial: true })).toBe(
          wellFormed(text).replaceAll('\u2581', ' '),
        )
      }),
      { numRuns: 1000 },
    )
  })

  it('merges words one by one as if the text were whole', () => {
    // Without the split before spaces, the whole text is one list of symbols and only the scores decide.
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 't', 'h', 'e', ' '), { maxLength: 40 }), (chars) => {
        const text = chars.join('')
        const whole = tokenizer.encode(text, { addSpecial: false })
        const spelled = whole.map(tokenizer.tokenOf).join('')
        expect(spelled).toBe(text === '' ? '' : `\u2581${text.replaceAll(' ', '\u2581')}`)
        expect(mergedNaively(spelled)).toEqual(whole.map(tokenizer.tokenOf))
      }),
      { numRuns: 500 },
    )
  })

  /** The definition: repeatedly merges the neighbours with the highest score, leftmost first. */
  function mergedNaively(text: string): string[] {
    const scores = sentencePieceMetadata()['tokenizer.ggml.scores'] as number[]
    const symbols = Array.from(text)
    for (;;) {
      let best = -1
      let bestScore = Number.NEGATIVE_INFINITY
      for (let at = 0; at + 1 < symbols.length; at++) {
        const id = tokenizer.idOf(`${symbols[at]}${symbols[at + 1]}`)
        if (id !== undefined && (scores[id] as number) > bestScore) {
          best = at
          bestScore = scores[id] as number
        }
      }
      if (best < 0) return symbols
      symbols.splice(best, 2, `${symbols[best]}${symbols[best + 1]}`)
    }
  }
})

describe('long texts', () => {
  it.each([
    ['one letter', 'a'],
    ['words without spaces', 'thething'],
    ['spaces', ' '],
    ['user-defined tokens', '<tool>'],
    ['words', 'the thing in the '],
  ])('take no quadratic time: %s', (_, unit) => {
    const text = unit.repeat(300_000 / unit.length)
    for (const tokenizer of [
      createTokenizerFromGguf(byteBpeMetadata()),
      createTokenizerFromGguf(sentencePieceMetadata()),
    ]) {
      const start = performance.now()
      tokenizer.encode(text)
      // Takes half a second on a free core. A quadratic search over 4.5e10 pairs would take minutes, whatever the load.
      expect(performance.now() - start).toBeLessThan(20_000)
    }
  })

  it('ask for the rank of neighbours only: those at the begin, and two for each merge', () => {
    let asked = 0
    const symbols = Array.from('baa'.repeat(3000))
    const merged = mergePairs(symbols, (left, right) => {
      asked++
      return left + right === 'aa' || left + right === 'baa' ? 1 : undefined
    })
    expect(merged).toEqual(Array.from({ length: 3000 }, () => 'baa'))
    expect(asked).toBeLessThanOrEqual(symbols.length + 2 * (symbols.length - merged.length))
  })
})
