import type { Attended, Capture } from '../engine/protocol.ts'
import type { Trace } from '../trace/flash-trace.ts'
import { h } from '../view/dom.ts'
import { bytes, digits } from '../view/numbers.ts'

export interface TileView {
  readonly elements: readonly Node[]
  say(text: string): void
  show(trace: Trace, step: number, tokens: readonly string[]): void
}

/** A tile in words and numbers: its position, bytes so far, and the running values of its queries. */
export function tileView(): TileView {
  const said = h('p', { class: 'said', 'aria-live': 'polite' })
  const rowsTable = h('tbody')
  const bars = h('div', { class: 'bars' })
  return {
    elements: [
      said,
      h('h2', {}, 'Bytes moved for this head'),
      bars,
      h('h2', {}, 'Running numbers of these queries'),
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Running numbers' },
        h(
          'table',
          {},
          h(
            'thead',
            {},
            h('tr', {}, ...['query', 'm', 'l', 'correction'].map((title) => h('th', { scope: 'col' }, title))),
          ),
          rowsTable,
        ),
      ),
    ],
    say(text) {
      said.textContent = text
    },
    show(trace, step, tokens) {
      const now = trace.steps[step]
      if (!now) return
      const place = `queries ${now.firstRow} to ${now.endRow - 1}, keys ${now.firstKey} to ${now.endKey - 1}`
      said.textContent = now.isSkipped
        ? `Tile ${step + 1}: ${place}. No query sees any of these keys: flash neither reads nor computes them.`
        : `Tile ${step + 1}: ${place}.`
      rowsTable.replaceChildren(
        ...now.maxima.map((maximum, row) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, JSON.stringify(tokens[now.firstRow + row] ?? '')),
            h('td', {}, maximum === Number.NEGATIVE_INFINITY ? '–' : digits(maximum)),
            h('td', {}, digits(now.sums[row] as number)),
            h('td', {}, (now.corrections[row] as number) === 1 ? '1' : digits(now.corrections[row] as number)),
          ),
        ),
      )
      const total = trace.steps.at(-1)?.plainBytes ?? 1
      bars.replaceChildren(
        bar('plain, so far', now.plainBytes, total, 'b'),
        bar('flash, so far', now.flashBytes, total, 'a'),
      )
    },
  }
}

/** Differences of the float64 tiles and of the device's flash kernel from its plain kernel. */
export function exactness(
  { output }: Trace,
  { plain, flash, device }: Attended,
  { headDim, tokens }: Capture,
  head: number,
  numHeads: number,
): readonly (Node | string)[] {
  const of = (index: number): number => (Math.floor(index / headDim) * numHeads + head) * headDim + (index % headDim)
  const largest = (difference: (index: number) => number): number =>
    Array.from({ length: tokens.length * headDim }, (_, index) => Math.abs(difference(index))).reduce(
      (a, b) => Math.max(a, b),
      0,
    )

  return [
    'Exact: the largest difference from the device’s plain kernel is ',
    h('strong', {}, digits(largest((i) => (output[i] as number) - (plain[of(i)] as number)))),
    ' for these tiles in float64, and ',
    h('strong', {}, digits(largest((i) => (flash[of(i)] as number) - (plain[of(i)] as number)))),
    ` for the device’s own flash kernel in float32. The device: ${device}.`,
  ]
}

function bar(label: string, value: number, total: number, series: string): HTMLElement {
  return h(
    'div',
    { class: 'bar' },
    h('span', { class: 'bar-label' }, label),
    h(
      'span',
      { class: 'bar-track' },
      h('span', { class: `bar-fill fill-${series}`, style: `inline-size: ${((100 * value) / total).toFixed(2)}%` }),
    ),
    h('span', { class: 'bar-value' }, bytes(value)),
  )
}
