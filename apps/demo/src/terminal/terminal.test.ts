import { describe, expect, test } from 'vitest'
import { keptScreen } from '../../test/capture.ts'
import { formatBytes, formatCount, formatRate, formatTable, formatTime } from './index.ts'

describe('a screen', () => {
  test('writes plain text where the output is no terminal', () => {
    const { screen, text } = keptScreen()
    screen.heading('one')
    screen.status('never seen')
    screen.write('a')
    screen.write('b')
    screen.line('c')
    screen.line(screen.bold('d') + screen.dim('e'))
    expect(text()).toBe('\n── one\nab\nc\nde\n')
  })
  test('styles on a terminal, and never with NO_COLOR or on a dumb one', () => {
    expect(keptScreen(true).screen.bold('x')).toBe('\u001b[1mx\u001b[0m')
    expect(keptScreen(true, { NO_COLOR: '' }).screen.bold('x')).toBe('\u001b[1mx\u001b[0m')
    expect(keptScreen(true, { NO_COLOR: '1' }).screen.bold('x')).toBe('x')
    expect(keptScreen(true, { TERM: 'dumb' }).screen.dim('x')).toBe('x')
  })
  test('replaces a status line by what comes next, and cuts it to the width', () => {
    const { screen, text } = keptScreen(true, { NO_COLOR: '1' })
    screen.status('loading '.repeat(10))
    screen.line('done')
    expect(text()).toBe(`\r${'loading '.repeat(10).slice(0, 39)}\u001b[K\r\u001b[Kdone\n`)
  })
  test('draws a status line at most once in 80 ms, and never into a streamed line', () => {
    const { screen, text } = keptScreen(true, { NO_COLOR: '1' })
    screen.status('1 %')
    screen.status('2 %')
    screen.write('text')
    screen.status('3 %')
    screen.endLine()
    expect(text()).toBe('\r1 %\u001b[K\r\u001b[Ktext\n')
  })
  test('endLine ends what is open and nothing else', () => {
    const { screen, text } = keptScreen(true)
    screen.endLine()
    screen.line('a')
    screen.endLine()
    expect(text()).toBe('a\n')
  })
})

test('a table has its first column on the left and figures on the right', () => {
  expect(
    formatTable(
      ['device', 'tok/s'],
      [
        ['wasm', '1234567'],
        ['reference', '9'],
      ],
    ),
  ).toBe(['device       tok/s', '─────────  ───────', 'wasm       1234567', 'reference        9'].join('\n'))
})

test.each([
  [formatBytes(12), '12 B'],
  [formatBytes(5_579_232), '5.3 MiB'],
  [formatBytes(3 * 2 ** 40), '3.0 TiB'],
  [formatCount(2048), '2048'],
  [formatCount(2_755_008), '2.76 M'],
  [formatCount(7.24e9), '7.24 G'],
  [formatRate(7.312), '7.31'],
  [formatRate(40.07), '40.1'],
  [formatRate(3165.4), '3165'],
  [formatTime(0.01), '10 µs'],
  [formatTime(4.83), '4.8 ms'],
  [formatTime(304.4), '304 ms'],
  [formatTime(4100), '4.1 s'],
])('%s', (shown, expected) => {
  expect(shown).toBe(expected)
})
