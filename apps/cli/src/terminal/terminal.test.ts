import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { formatBytes } from './format.ts'
import { createOutput } from './output.ts'
import { createProgress } from './progress.ts'

let written = ''
const stream = (isTTY: boolean, columns?: number): NodeJS.WriteStream =>
  ({
    isTTY,
    columns,
    write: (text: string) => {
      written += text
      return true
    },
  }) as unknown as NodeJS.WriteStream
beforeEach(() => {
  written = ''
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('bytes for people', () => {
  expect([0, 1023, 1024, 1536, 5_579_232, 2 ** 30, 2 ** 50].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '5.3 MiB',
    '1.0 GiB',
    '1024.0 TiB',
  ])
})

test('a bar on a terminal: share, time left, and a clean line at the end', () => {
  vi.advanceTimersByTime(1000)
  const progress = createProgress('loading', { stderr: stream(true) })
  vi.advanceTimersByTime(1000)
  progress.report(25, 100)
  expect(written).toBe(`\rloading ${'█'.repeat(8)}${'░'.repeat(22)}  25 % 3 s left \u001b[K`)
  progress.report(26, 100)
  vi.advanceTimersByTime(50)
  progress.report(27, 100)
  expect(written.split('\r')).toHaveLength(2)
  vi.advanceTimersByTime(100)
  progress.report(100, 100)
  expect(written).toContain('100 % 0 s left')
  progress.end()
  expect(written.endsWith('\r\u001b[K')).toBe(true)
  const { length } = written
  progress.end()
  expect(written.length).toBe(length)
})

test('a bar fits a narrow terminal, and its cursor is left alone', () => {
  vi.advanceTimersByTime(1000)
  createProgress('downloading', { stderr: stream(true, 40) }).report(1, 3)
  expect(written).toContain(`${'█'.repeat(3)}${'░'.repeat(7)}  33 %`)
  expect(written).not.toContain('\u001b[?25')
})

test('in a file, long work leaves a line now and then', () => {
  const progress = createProgress('calibrating', { stderr: stream(false) })
  for (let second = 1; second <= 45; second++) {
    vi.advanceTimersByTime(1000)
    progress.report(second, 50)
  }
  progress.end()
  expect(written).toBe('calibrating  20 % 40 s left\ncalibrating  80 % 10 s left\n')
})

test('short work leaves nothing in a file, and nothing is cleared where nothing was shown', () => {
  const progress = createProgress('loading', { stderr: stream(false) })
  progress.report(1, 2)
  progress.end()
  createProgress('loading', { stderr: stream(true) }).end()
  expect(written).toBe('')
})

test('with --json, text is dropped and the one object is printed; numbers that JSON lacks are null', () => {
  const quiet = createOutput(true, { stdout: stream(false), stderr: stream(false) })
  quiet.text('hello')
  quiet.result({ a: 1, b: Number.NaN })
  expect(written).toBe('{"a":1,"b":null}\n')
  written = ''
  const spoken = createOutput(false, { stdout: stream(false), stderr: stream(false) })
  spoken.text('hello')
  spoken.result({ a: 1 })
  expect(written).toBe('hello')
})
