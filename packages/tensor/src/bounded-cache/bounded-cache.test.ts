import { expect, test } from 'vitest'
import { createBoundedCache } from './bounded-cache.ts'

test('keeps at most its limit, the latest half of it for certain, and tells once of each value that went', () => {
  const gone: number[] = []
  const cache = createBoundedCache<number>({ limit: 10, drop: (values) => gone.push(...values) })
  for (let i = 0; i < 1000; i++) {
    cache.set(`${i}`, i)
    expect(cache.size).toBeLessThanOrEqual(10)
    for (let latest = Math.max(0, i - 4); latest <= i; latest++) expect(cache.get(`${latest}`)).toBe(latest)
  }
  expect(cache.get('0')).toBeUndefined()
  expect(new Set(gone).size).toBe(gone.length)
  const kept = Array.from({ length: 1000 }, (_, i) => i).filter((i) => cache.get(`${i}`) !== undefined)
  expect([...gone, ...kept].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
})

test('what is asked for again and again stays, however many others come', () => {
  const cache = createBoundedCache<number>({ limit: 10 })
  cache.set('hot', -1)
  for (let i = 0; i < 1000; i++) {
    cache.set(`${i}`, i)
    expect(cache.get('hot')).toBe(-1)
  }
})

test('a value set anew replaces the one before, also when that one had grown old', () => {
  const gone: string[] = []
  const cache = createBoundedCache<string>({ limit: 4, drop: (values) => gone.push(...values) })
  cache.set('a', 'first')
  for (const key of ['b', 'c', 'd']) cache.set(key, key)
  cache.set('a', 'second')
  expect(cache.get('a')).toBe('second')
  cache.clear()
  expect([cache.size, cache.get('a')]).toEqual([0, undefined])
})
