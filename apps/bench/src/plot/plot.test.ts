import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Plot, renderPlot } from './plot.ts'
import { writePlot } from './write.ts'

const plot: Plot = {
  title: 'Time & <memory>',
  subtitle: 'one thread',
  x: { label: 'length (tokens)', scale: 'log2' },
  y: { label: 'time (ms)', scale: 'log10' },
  series: [
    {
      name: 'flash',
      points: [
        { x: 256, y: 1 },
        { x: 4096, y: 90, label: 'here' },
      ],
    },
    {
      name: 'bound',
      style: 'dashed',
      points: [
        { x: 256, y: 0.5 },
        { x: 4096, y: 120 },
      ],
    },
    { name: 'runs', style: 'dots', points: [{ x: 300, y: 3 }] },
  ],
}
const count = (svg: string, part: string): number => svg.split(part).length - 1

test('series become lines and dots, ticks are whole powers, text is escaped', () => {
  const svg = renderPlot(plot, 'light')
  expect(svg).toContain('<title>Time &amp; &lt;memory&gt;</title>')
  for (const tick of ['256', '512', '1Ki', '2Ki', '4Ki', '0.1', '1', '10', '100', '1k'])
    expect(svg).toContain(`>${tick}</text>`)
  expect(count(svg, '<circle')).toBe(2 + 1 + 1)
  // A dashed line, and its key.
  expect(count(svg, 'stroke-dasharray')).toBe(2)
  expect(svg).toContain('>here</text>')
  // Points on the ends of a log axis lie on the ends of the plot.
  expect(svg).toMatch(/M74 \d+(\.\d)?L696 /)
})

test('themes differ in colours alone', () => {
  const [light, dark] = [renderPlot(plot, 'light'), renderPlot(plot, 'dark')]
  expect(light).not.toBe(dark)
  expect(light.replaceAll(/#[0-9a-f]{6}/g, '')).toBe(dark.replaceAll(/#[0-9a-f]{6}/g, ''))
})

test('a linear axis has 0 unless it need not', () => {
  const near = (fromZero: boolean): string =>
    renderPlot(
      {
        ...plot,
        y: { label: 'perplexity', fromZero },
        series: [
          {
            name: 'a',
            points: [
              { x: 1, y: 20 },
              { x: 2, y: 21 },
            ],
          },
        ],
      },
      'light',
    )
  expect(near(true)).toContain('>0</text>')
  expect(near(false)).not.toContain('>0</text>')
  expect(near(false)).toContain('>20.2</text>')
})

test('long legends take more rows and stay inside', () => {
  const svg = renderPlot(
    {
      ...plot,
      series: Array.from({ length: 9 }, (_, i) => ({
        name: `a series with the number ${i}`,
        points: [{ x: 1, y: 1 }],
      })),
    },
    'dark',
  )
  const starts = [...svg.matchAll(/<text x="([\d.]+)" y="[\d.]+" >a series/g)].map(([, x]) => Number(x))
  expect(starts.length).toBe(9)
  expect(Math.max(...starts)).toBeLessThan(560)
})

test('a name at the right edge stands on the left of its point', () => {
  const svg = renderPlot(
    {
      ...plot,
      series: [
        {
          name: 'a',
          points: [
            { x: 256, y: 1, label: 'first' },
            { x: 4096, y: 9, label: 'a name that is long' },
          ],
        },
      ],
    },
    'light',
  )
  const names = [
    ...svg.matchAll(/<text x="([\d.]+)" y="[\d.]+" fill="#59636e" font-size="11"( text-anchor="end")?>/g),
  ].map(([, x, end]) => [Number(x), end !== undefined])
  expect(names).toEqual([
    [74 + 7, false],
    [696 - 7, true],
  ])
})

test.for<[string, Partial<Plot>, RegExp]>([
  ['no series', { series: [] }, /has no series/],
  ['no point', { series: [{ name: 'empty', points: [] }] }, /series "empty" .* has no point/],
  ['a value that is not finite', { series: [{ name: 'a', points: [{ x: 1, y: Number.NaN }] }] }, /has the value NaN/],
  [
    'zero on a logarithmic axis',
    { series: [{ name: 'a', points: [{ x: 1, y: 0 }] }] },
    /has the value 0, which cannot be on the log10 axis "time \(ms\)"/,
  ],
])('refuses %s', ([, change, message]) => {
  expect(() => renderPlot({ ...plot, ...change }, 'light')).toThrow(
    expect.objectContaining({ code: 'invalid-value', message: expect.stringMatching(message) }),
  )
})

test('writes both themes and says how to show them', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'plot-')), 'deep')
  expect(writePlot(folder, 'io', plot)).toContain('srcset="io.dark.svg"')
  expect(readFileSync(join(folder, 'io.light.svg'), 'utf8')).toBe(renderPlot(plot, 'light'))
  expect(readFileSync(join(folder, 'io.dark.svg'), 'utf8')).toBe(renderPlot(plot, 'dark'))
})
