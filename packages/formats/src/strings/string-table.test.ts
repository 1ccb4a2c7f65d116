import { expect, test } from 'vitest'
import { StringCollector } from './collect-strings.ts'
import { createStringsGetter, stringAt, stringsOf, stringTableOf, tableOfStrings } from './string-table.ts'

const texts = ['', 'a', 'é', 'Ġthe', '', '日本', '😀 x', '\0', '\ufeff', '']

test('a table gives the strings that it was made of, one by one and all at once', () => {
  const table = tableOfStrings(texts)
  expect(stringsOf(table)).toEqual(texts)
  expect(texts.map((_, index) => stringAt(table, index))).toEqual(texts)
  expect(stringsOf(tableOfStrings([]))).toEqual([])
})

test('bytes between strings need not be text', () => {
  const strings = new StringCollector(2)
  strings.place(2, 3)
  strings.add(Uint8Array.of(0xff, 0x80, 0x61))
  strings.place(1, 3)
  strings.add(Uint8Array.of(0xc3, 0xc3, 0xa9))
  const table = strings.finish()
  expect(stringsOf(table)).toEqual(['a', 'é'])
  expect(stringAt(table, 1)).toBe('é')
})

test('strings are read once, and their table is found until another value takes their place', () => {
  const get = createStringsGetter(tableOfStrings(texts))
  const metadata: Record<string, unknown> = Object.defineProperty({}, 'list', { get, enumerable: true })
  expect(stringTableOf(metadata, 'list')).toBe(get.table)
  expect(metadata['list']).toEqual(texts)
  expect(metadata['list']).toBe(metadata['list'])
  expect(stringTableOf({ ...metadata }, 'list')).toBeUndefined()
  expect(stringTableOf(metadata, 'other')).toBeUndefined()
})
