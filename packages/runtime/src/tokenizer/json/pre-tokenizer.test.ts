import { describe, expect, it } from 'vitest'
import { readPreTokenizer } from './pre-tokenizer.ts'

describe('Split', () => {
  // The example of the Rust library's documentation, which defines the behaviours.
  it.each([
    ['Removed', ['the', 'final', 'countdown']],
    ['Isolated', ['the', '-', 'final', '-', '-', 'countdown']],
    ['MergedWithPrevious', ['the-', 'final-', '-', 'countdown']],
    ['MergedWithNext', ['the', '-final', '-', '-countdown']],
    ['Contiguous', ['the', '-', 'final', '--', 'countdown']],
  ])('%s', (behavior, pieces) => {
    expect(
      readPreTokenizer({ type: 'Split', pattern: { String: '-' }, behavior })('the-final--countdown', true),
    ).toEqual(pieces)
  })

  it.each([
    ['Removed', ['How', 'are', 'you', 'doing', '?']],
    ['Isolated', ['How', ' ', 'are', ' ', 'you', ' ', 'doing', '?']],
    ['MergedWithPrevious', ['How ', 'are ', 'you ', 'doing', '?']],
    ['MergedWithNext', ['How', ' are', ' you', ' doing', '?']],
    ['Contiguous', ['How', ' ', 'are', ' ', 'you', ' ', 'doing?']],
  ])('%s, where what does not match is the delimiter', (behavior, pieces) => {
    expect(
      readPreTokenizer({ type: 'Split', pattern: { Regex: '\\w+|[^\\w\\s]+' }, behavior, invert: true })(
        'How are you doing?',
        true,
      ),
    ).toEqual(pieces)
  })

  it('leaves no piece where everything is removed', () => {
    expect(readPreTokenizer({ type: 'Split', pattern: { String: ' ' }, behavior: 'Removed' })('  ', true)).toEqual([])
  })
})

describe('Metaspace', () => {
  it.each([
    ['always', true, ['\u2581a', '\u2581b']],
    ['first', true, ['\u2581a', '\u2581b']],
    ['first', false, ['a', '\u2581b']],
    ['never', true, ['a', '\u2581b']],
  ] as const)('%s, at the begin of the input: %s', (scheme, isFirst, pieces) => {
    expect(
      readPreTokenizer({ type: 'Metaspace', replacement: '\u2581', prepend_scheme: scheme })('a b', isFirst),
    ).toEqual(pieces)
  })

  it('stays whole where it does not split, and has no second mark', () => {
    expect(readPreTokenizer({ type: 'Metaspace', split: false })(' a b', true)).toEqual(['\u2581a\u2581b'])
  })
})

describe('Digits', () => {
  it('knows numbers of all scripts, alone or in runs', () => {
    const text = 'a12\u00bd\u0663b'
    expect(readPreTokenizer({ type: 'Digits', individual_digits: true })(text, true)).toEqual([
      'a',
      '1',
      '2',
      '\u00bd',
      '\u0663',
      'b',
    ])
    expect(readPreTokenizer({ type: 'Digits' })(text, true)).toEqual(['a', '12\u00bd\u0663', 'b'])
  })
})

describe('Whitespace', () => {
  it('takes words and runs of other characters', () => {
    expect(readPreTokenizer({ type: 'Whitespace' })('It\u2019s x_1\u0301, no?!\u3000end', true)).toEqual([
      'It',
      '\u2019',
      's',
      'x_1\u0301',
      ',',
      'no',
      '?!',
      'end',
    ])
  })
})
