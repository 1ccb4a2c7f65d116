import { h, svg } from './dom.ts'
import { bytes, percent } from './numbers.ts'
import { plotWidth } from './plot-width.ts'

export interface CurvePoint {
  readonly series: string
  readonly bytes: number
  readonly share: number
}

const height = 300
const left = 46
const right = 30
const bottom = 262
const top = 14

/** Agreement over the bytes of a cache, one line a series. */
export function curve(
  points: readonly CurvePoint[],
  series: readonly string[],
  allBytes: readonly number[],
): HTMLElement {
  const width = plotWidth()
  const [least, most] = [Math.min(...allBytes), Math.max(...allBytes)]
  const x = (value: number): number =>
    left + ((Math.log(value) - Math.log(least)) / (Math.log(most) - Math.log(least))) * (width - left - right)
  const y = (share: number): number => bottom - share * (bottom - top)
  const lines = series.flatMap((name, index) => {
    const own = points.filter((point) => point.series === name).sort((a, b) => a.bytes - b.bytes)
    const [end] = own
    if (!end) return []
    return [
      svg('polyline', {
        points: own.map((point) => `${x(point.bytes).toFixed(1)},${y(point.share).toFixed(1)}`).join(' '),
        class: `line series-${index}`,
      }),
      ...own.map((point) =>
        mark(index, x(point.bytes), y(point.share), `${name}: ${percent(point.share)} at ${bytes(point.bytes)}`),
      ),
    ]
  })
  return h(
    'figure',
    { class: 'plot' },
    svg(
      'svg',
      {
        viewBox: `0 0 ${width} ${height}`,
        role: 'img',
        'aria-label':
          'Agreement with the model before, over the bytes of keys and values a token. The table below holds the same numbers.',
      },
      ...[0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
        svg('line', { x1: left, x2: width - right, y1: y(share), y2: y(share), class: 'grid' }),
        svg('text', { x: left - 6, y: y(share) + 4, 'text-anchor': 'end', class: 'tick-text' }, `${100 * share} %`),
      ]),
      ...allBytes.map((value) =>
        svg('text', { x: x(value), y: bottom + 18, 'text-anchor': 'middle', class: 'tick-text' }, bytes(value)),
      ),
      svg(
        'text',
        { x: (left + width - right) / 2, y: height - 4, 'text-anchor': 'middle', class: 'tick-text' },
        'keys and values a token (logarithmic)',
      ),
      ...lines,
    ),
    h(
      'p',
      { class: 'legend' },
      ...series.map((name, index) =>
        h('span', {}, svg('svg', { viewBox: '0 0 16 16', 'aria-hidden': 'true' }, mark(index, 8, 8, name)), name),
      ),
    ),
    h('figcaption', {}, 'Share of tokens that the converted model and the model before both hold most likely.'),
  )
}

/** Each series has a shape of its own beside its colour. */
function mark(index: number, x: number, y: number, title: string): SVGElement {
  const shapes = [
    () => svg('circle', { cx: x, cy: y, r: 5 }),
    () => svg('rect', { x: x - 4.5, y: y - 4.5, width: 9, height: 9 }),
    () => svg('path', { d: `M${x} ${y - 6}L${x + 5.5} ${y + 4.5}H${x - 5.5}Z` }),
    () => svg('path', { d: `M${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}L${x - 6} ${y}Z` }),
  ]
  const shape = (shapes[index % shapes.length] as () => SVGElement)()
  shape.setAttribute('class', `mark series-${index}`)
  shape.append(svg('title', {}, title))
  return shape
}
