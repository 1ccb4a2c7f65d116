import { scaleLinear, scaleLog } from 'd3-scale'
import { TesseraError } from '@tessera-llm/tensor'
import { type Place, placeLabels } from './labels.ts'
import { type Theme, themes } from './theme.ts'

export interface Axis {
  /** With the unit: `sequence length (tokens)`. */
  readonly label: string
  /** `log2` for sizes that double, `log10` for magnitudes. Default `linear`, which includes 0. */
  readonly scale?: 'linear' | 'log2' | 'log10'
  /** Linear axes only: whether 0 is on it. Default true. */
  readonly fromZero?: boolean
}

export interface Point {
  readonly x: number
  readonly y: number
  /** Written beside the point, for frontiers whose points have names. */
  readonly label?: string
}

export interface Series {
  readonly name: string
  readonly points: readonly Point[]
  /** Dashed lines are for bounds and predictions, dots without a line for scattered results. Default `line`. */
  readonly style?: 'line' | 'dashed' | 'dots'
}

/** A picture of numbers: one x axis, one y axis, named series. */
export interface Plot {
  readonly title: string
  /** One line below the title: machine, settings. */
  readonly subtitle?: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
}

const width = 720
const height = 440
const margin = { left: 74, right: 24, bottom: 52 }

/**
 * The plot as an SVG document of 720 × 440 without scripts, fonts or external references. Throws `invalid-value` if a
 * series has no point, or a point cannot be on its axis (not finite, or not positive on a logarithmic one).
 */
export function renderPlot(plot: Plot, theme: Theme): string {
  const { text, muted, grid, background, series: colors } = themes[theme]
  check(plot)
  const legend = legendOf(plot.series)
  const top = 34 + (plot.subtitle === undefined ? 0 : 18) + 20 * legend.rows
  const points = plot.series.flatMap(({ points: all }) => all)
  const x = axisScale(
    plot.x,
    points.map((point) => point.x),
    [margin.left, width - margin.right],
  )
  const y = axisScale(
    plot.y,
    points.map((point) => point.y),
    [height - margin.bottom, top + 10],
  )
  const color = (index: number): string => colors[index % colors.length] as string
  const label = (at: { readonly x: number; readonly y: number }, content: string, attributes = ''): string =>
    `<text x="${round(at.x)}" y="${round(at.y)}" ${attributes}>${escaped(content)}</text>`

  const grids = [
    ...x.ticks.map((tick) => `<path d="M${round(x.at(tick))} ${top + 10}V${height - margin.bottom}"/>`),
    ...y.ticks.map((tick) => `<path d="M${margin.left} ${round(y.at(tick))}H${width - margin.right}"/>`),
  ]
  const ticks = [
    ...x.ticks.map((tick) =>
      label({ x: x.at(tick), y: height - margin.bottom + 18 }, tickText(tick), 'text-anchor="middle"'),
    ),
    ...y.ticks.map((tick) => label({ x: margin.left - 8, y: y.at(tick) + 4 }, tickText(tick), 'text-anchor="end"')),
  ]
  const lines = plot.series.map(({ points: all, style = 'line' }, index) => {
    const path =
      style === 'dots'
        ? ''
        : `<path d="M${all.map((point) => `${round(x.at(point.x))} ${round(y.at(point.y))}`).join('L')}" fill="none" stroke="${color(index)}" stroke-width="2"${style === 'dashed' ? ' stroke-dasharray="6 4"' : ''}/>`
    const dots =
      style === 'dashed'
        ? []
        : all.map(
            (point) =>
              `<circle cx="${round(x.at(point.x))}" cy="${round(y.at(point.y))}" r="3.5" fill="${color(index)}"/>`,
          )
    return [path, ...dots].join('')
  })
  const inPicture = (point: Point): Place => ({ x: x.at(point.x), y: y.at(point.y) })
  const labels = placeLabels(
    points.flatMap((point) => (point.label === undefined ? [] : [{ ...inPicture(point), name: point.label }])),
    {
      dots: plot.series.flatMap(({ points: all, style }) => (style === 'dashed' ? [] : all.map(inPicture))),
      lines: plot.series.flatMap(({ points: all, style }) => (style === 'dots' ? [] : [all.map(inPicture)])),
      within: { left: margin.left, right: width, top, bottom: height - margin.bottom },
    },
  )
  const names = labels.map(({ name, at, isLeft, leader }) => {
    const line = leader
      ? `<path d="M${leader.map((end) => `${round(end.x)} ${round(end.y)}`).join('L')}" stroke="${muted}" stroke-width="0.7"/>`
      : ''
    return `${line}${label(at, name, `fill="${muted}" font-size="11"${isLeft ? ' text-anchor="end"' : ''}`)}`
  })
  const keys = legend.entries.map(({ name, style, at, row }, index) => {
    const middle = top - 20 * (legend.rows - row) + 2
    const mark =
      style === 'dots'
        ? `<circle cx="${at + 10}" cy="${middle}" r="3.5" fill="${color(index)}"/>`
        : `<path d="M${at} ${middle}h20" stroke="${color(index)}" stroke-width="2"${style === 'dashed' ? ' stroke-dasharray="6 4"' : ''}/>`
    return mark + label({ x: at + 26, y: middle + 4 }, name)
  })
  const middle = (top + height - margin.bottom) / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(plot.title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${background}"/>`,
    `<g stroke="${grid}">${grids.join('')}</g>`,
    ...lines,
    ...names,
    `<g fill="${text}">`,
    label({ x: margin.left, y: 24 }, plot.title, 'font-size="15" font-weight="600"'),
    ...keys,
    '</g>',
    `<g fill="${muted}">`,
    ...(plot.subtitle === undefined ? [] : [label({ x: margin.left, y: 42 }, plot.subtitle)]),
    ...ticks,
    label({ x: (margin.left + width - margin.right) / 2, y: height - 12 }, plot.x.label, 'text-anchor="middle"'),
    label({ x: 18, y: middle }, plot.y.label, `text-anchor="middle" transform="rotate(-90 18 ${round(middle)})"`),
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

interface PlacedAxis {
  readonly ticks: readonly number[]
  at(value: number): number
}

function axisScale(
  { scale = 'linear', fromZero = true }: Axis,
  values: readonly number[],
  range: readonly [number, number],
): PlacedAxis {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  if (scale === 'linear') {
    // A single value still needs an extent.
    const low = fromZero ? Math.min(0, least) : least === most ? least - 1 : least
    const high = fromZero ? Math.max(0, most) || 1 : least === most ? most + 1 : most
    const made = scaleLinear().domain([low, high]).nice().range(range)
    return { ticks: made.ticks(6), at: made }
  }
  const base = scale === 'log2' ? 2 : 10
  // Whole powers at both ends, so that every axis has at least two ticks.
  const low = Math.floor(Math.log(least) / Math.log(base) + 1e-9)
  const high = Math.max(low + 1, Math.ceil(Math.log(most) / Math.log(base) - 1e-9))
  const made = scaleLog()
    .base(base)
    .domain([base ** low, base ** high])
    .range(range)
  const step = Math.ceil((high - low) / 10)
  return {
    ticks: Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => base ** (low + i * step)),
    at: made,
  }
}

/** Legend from left to right, in as many rows as needed; widths are estimates, since no font is available. */
function legendOf(series: readonly Series[]): {
  readonly rows: number
  readonly entries: readonly {
    readonly name: string
    readonly style: Series['style']
    readonly at: number
    readonly row: number
  }[]
} {
  let [at, row] = [margin.left, 0]
  const entries = series.map(({ name, style }) => {
    const space = 44 + 6.6 * name.length
    if (at > margin.left && at + space > width) [at, row] = [margin.left, row + 1]
    const entry = { name, style, at, row }
    at += space
    return entry
  })
  return { rows: row + 1, entries }
}

function check({ title, x, y, series }: Plot): void {
  if (series.length === 0)
    throw new TesseraError('invalid-value', `plot: "${title}" has no series; nothing would be seen`)
  for (const { name, points } of series) {
    if (points.length === 0)
      throw new TesseraError('invalid-value', `plot: series "${name}" of "${title}" has no point; leave it out`)
    for (const point of points) {
      for (const [axis, value] of [
        [x, point.x],
        [y, point.y],
      ] as const) {
        const isFine = Number.isFinite(value) && ((axis.scale ?? 'linear') === 'linear' || value > 0)
        if (!isFine)
          throw new TesseraError(
            'invalid-value',
            `plot: series "${name}" of "${title}" has the value ${value}, which cannot be on the ${axis.scale ?? 'linear'} axis "${axis.label}"`,
          )
      }
    }
  }
}

/** 1024 as 1 k where it is a power of two, 1500 as 1.5k, 2e9 as 2G. */
function tickText(value: number): string {
  const size = Math.abs(value)
  if (size >= 1024 && Number.isInteger(Math.log2(size))) return scaled(value, 1024)
  if (size >= 1000) return scaled(value, 1000)
  return size !== 0 && size < 0.001 ? value.toExponential(0) : String(Number(value.toPrecision(3)))
}

function scaled(value: number, base: number): string {
  const exponent = Math.min(4, Math.floor(Math.log(Math.abs(value)) / Math.log(base) + 1e-9))
  return `${Number((value / base ** exponent).toPrecision(3))}${base === 1024 ? ['', 'Ki', 'Mi', 'Gi', 'Ti'][exponent] : ['', 'k', 'M', 'G', 'T'][exponent]}`
}

const round = (value: number): number => Math.round(10 * value) / 10

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
