import { h, svg } from './dom.ts'
import { digits } from './numbers.ts'
import { plotWidth } from './plot-width.ts'

const bins = 81
const height = 180
const floor = 156

/** Frequencies of values on one axis from −limit to limit: before as an area, after as bars over it. */
export function histogram(before: Float32Array, after: Float32Array, limit: number): HTMLElement {
  const [first, second] = [count(before, limit), count(after, limit)]
  const most = Math.max(...first)
  const width = plotWidth()
  const x = (bin: number): number => (bin / bins) * width
  // Quantized values fill few bins; their bars are cut at the top of the plot.
  const y = (value: number): number => floor - Math.min(1.15, value / most) * (floor / 1.2)
  const area = `M0 ${floor} ${first.map((value, bin) => `L${x(bin).toFixed(1)} ${y(value).toFixed(1)} L${x(bin + 1).toFixed(1)} ${y(value).toFixed(1)}`).join(' ')} L${width} ${floor}Z`
  const bars = second.map((value, bin) =>
    value === 0
      ? undefined
      : svg('rect', {
          x: (x(bin) + 1).toFixed(1),
          y: y(value).toFixed(1),
          width: (width / bins - 2).toFixed(1),
          height: (floor - y(value)).toFixed(1),
          class: 'series-b',
        }),
  )
  const levels = second.filter((value) => value > 0).length
  return h(
    'figure',
    { class: 'plot' },
    svg(
      'svg',
      {
        viewBox: `0 0 ${width} ${height}`,
        role: 'img',
        'aria-label': `Histogram of the weights from ${digits(-limit)} to ${digits(limit)}, before and after rounding; ${levels} of ${bins} bins are still used.`,
      },
      svg('path', { d: area, class: 'series-a' }),
      ...bars,
      svg('line', { x1: 0, x2: width, y1: floor, y2: floor, class: 'axis' }),
      ...[-limit, 0, limit].map((value, index) =>
        svg(
          'text',
          {
            x: (index * width) / 2,
            y: height - 6,
            'text-anchor': ['start', 'middle', 'end'][index],
            class: 'tick-text',
          },
          digits(value),
        ),
      ),
    ),
    h(
      'figcaption',
      {},
      h('span', { class: 'key key-a' }),
      'before',
      h('span', { class: 'key key-b' }),
      'after rounding (tall bars are cut)',
    ),
  )
}

function count(values: Float32Array, limit: number): readonly number[] {
  const counts = new Array<number>(bins).fill(0)
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(((value + limit) / (2 * limit)) * bins)))
    counts[bin] = (counts[bin] as number) + 1
  }
  return counts
}
