import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8')
const [light = '', dark = ''] = css.split('@media (prefers-color-scheme: dark)')

/** WCAG 2.2, relative luminance. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

describe.each([
  ['light', light],
  ['dark', dark],
])('%s', (_, block) => {
  const of = (name: string): string => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(block)?.[1] ?? ''
  test.each([
    ['ink', 'paper', 7],
    ['ink', 'card', 7],
    ['ink', 'map-skip', 7],
    ['ink-soft', 'paper', 4.5],
    ['ink-soft', 'card', 4.5],
    ['accent', 'paper', 3],
    ['series-a', 'paper', 3],
    ['series-b', 'paper', 3],
    ['series-c', 'paper', 3],
    ['series-d', 'paper', 3],
    ['now', 'map-zero', 3],
  ])('%s on %s has a contrast of %d at least', (front, back, least) => {
    const [a, b] = [luminance(of(front)), luminance(of(back))].sort((x, y) => y - x) as [number, number]
    expect((a + 0.05) / (b + 0.05)).toBeGreaterThanOrEqual(least)
  })
})
