import { describe, expect, it } from 'vitest'
import { fromOniguruma } from './regex.ts'

const matches = (pattern: string, text: string): string[] => text.match(fromOniguruma(pattern)) ?? []

describe('Oniguruma patterns in JavaScript', () => {
  it.each<[what: string, pattern: string, text: string, found: string[]]>([
    ['\\s is Unicode white space: not U+FEFF, but U+0085', '\\s', 'a\ufeff\u0085\u3000b', ['\u0085', '\u3000']],
    ['\\S is the rest', '\\S+', 'a\ufeff\u0085b', ['a\ufeff', 'b']],
    ['\\d knows digits of all scripts, in and out of classes', '[\\d]+', '12\u0663\u00bd', ['12\u0663']],
    ['\\D', '\\D', '1a', ['a']],
    ['\\w knows letters, marks and joiners', '\\w+', 'e\u0301_\u200dx-y', ['e\u0301_\u200dx', 'y']],
    ['\\h is a hexadecimal digit', '\\h+', 'fax', ['fa']],
    ['case is ignored inside (?i:…) only', "(?i:'s|'re)|x", "'S 'Re X x 'rE", ["'S", "'Re", 'x', "'rE"]],
    ['folding knows the long s and the sign of kelvin', '(?i:sk)', '\u017fK s\u212a', ['\u017fK', 's\u212a']],
    ['(?i) lasts to the end of its group', '(?:a(?i)b)b', 'aBb aBB', ['aBb']],
    ['(?-i:…) takes case seriously again', '(?i:a(?-i:b))', 'Ab AB', ['Ab']],
    ['ranges ignore case too', '(?i:[a-c]+)', 'aBCd', ['aBC']],
    ['possessive marks give nothing back', 'a++a|b', 'aab', ['b']],
    ['… after classes and groups', '[ab]?+a|(?:c|d)*+d|e', 'a cd e', ['e']],
    ['atomic groups give nothing back', '(?>a|ab)c', 'abc ac', ['ac']],
    ['scripts have their short names', '\\p{Han}+|\\p{Hiragana}+', '東京です', ['東京', 'です']],
    ['… negated in two ways', '\\P{L}|\\p{^N}', 'a1', ['a', '1']],
    ['code points', '\\x{1F600}|\\x41|\\u00e9', 'A\u{1f600}é', ['A', '\u{1f600}', 'é']],
    ['a dot is all but a line feed', '.+', 'a\r\u2028b\nc', ['a\r\u2028b', 'c']],
    ['anchors are those of lines', '^a|b$', 'a\nab\nb', ['a', 'a', 'b', 'b']],
    ['\\A and \\z are those of the text', '\\Aa|b\\z', 'a\nab\nb', ['a', 'b']],
    ['escapes that JavaScript refuses', "\\'\\-\\ \\#[\\-\\']", "'- #-", ["'- #-"]],
    ['braces that open no interval', 'a{|b}', 'a{ b}', ['a{', 'b}']],
    ['intervals without a begin', 'a{,2}b', 'aaab', ['aab']],
    ['brackets first in a class', '[]a]+', 'a]b', ['a]']],
    ['lookahead', '\\s+(?!\\S)|\\s+', 'a   b', ['  ', ' ']],
    ['lazy quantifiers', 'a+?', 'aa', ['a', 'a']],
  ])('%s', (_, pattern, text, found) => {
    expect(matches(pattern, text)).toEqual(found)
  })

  it.each([
    '[a[b]]',
    '[a&&b]',
    '[[:alpha:]]',
    '\\G',
    '\\R',
    '\\b',
    'a{2}+',
    '(?m:a)',
    '(?#x)',
    '(',
    ')',
    '[a',
    '[\\S]',
    '\\p{Nothing}',
    'a**',
    '\\',
  ])('refuses %s, which has no equivalent', (pattern) => {
    expect(() => fromOniguruma(pattern)).toThrow(SyntaxError)
  })
})
