import { expect, test } from 'vitest'
import { isTesseraError, TesseraError } from './index.ts'

test('an error holds code, message, details and cause', () => {
  const cause = new Error('why')
  const error = new TesseraError('out-of-memory', 'wasm: no room for 5 bytes', { cause, details: { bytes: 5 } })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'TesseraError',
    code: 'out-of-memory',
    message: 'wasm: no room for 5 bytes',
    details: { bytes: 5 },
    cause,
  })
  expect(String(error)).toBe('TesseraError: wasm: no room for 5 bytes')
})

test('without options there are no details and no cause', () => {
  const error = new TesseraError('io', 'x')
  expect(error.details).toEqual({})
  expect('cause' in error).toBe(false)
})

test('errors are known by their brand, so that those of another copy of the package are too', () => {
  const foreign = Object.assign(new Error('x'), { code: 'io', [Symbol.for('@tessera-llm/error')]: true })
  expect(isTesseraError(foreign, 'io')).toBe(true)
  expect(isTesseraError(new TesseraError('io', 'x'))).toBe(true)
  expect(isTesseraError(new TesseraError('io', 'x'), 'network')).toBe(false)
  expect(
    [new Error('x'), Object.assign(new Error('x'), { code: 'io' }), null, undefined, 'io'].map((value) =>
      isTesseraError(value),
    ),
  ).toEqual([false, false, false, false, false])
})
