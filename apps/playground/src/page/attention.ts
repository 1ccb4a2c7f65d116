import type { Attended, Capture } from '../engine/protocol.ts'
import { type Trace, traceFlash } from '../trace/flash-trace.ts'
import { choice, slider, textBox, tick } from '../view/controls.ts'
import { h } from '../view/dom.ts'
import { bytes, digits } from '../view/numbers.ts'
import { scoreMap } from '../view/score-map.ts'
import type { Page } from './page.ts'

const maxTokens = 48

interface Settings {
  text: string
  layer: number
  head: number
  rowTile: number
  keyTile: number
  isCausal: boolean
  window: number
  isPacked: boolean
}

/** FlashAttention on one head of the model, tile by tile. */
export const attentionPage: Page = {
  path: 'attention',
  title: 'Attention in tiles',
  mount({ engine, facts }) {
    const settings: Settings = {
      text: 'The President of the United States is the head of the Government, and it is his duty to take care that the laws of the people be faithfully executed.',
      layer: 2,
      head: 0,
      rowTile: 8,
      keyTile: 8,
      isCausal: true,
      window: 0,
      isPacked: true,
    }
    let capture: Capture | undefined
    let trace: Trace | undefined
    let attended: Attended | undefined
    let step = 0
    let timer: ReturnType<typeof setInterval> | undefined
    let asked = 0
    let isLeft = false

    const map = scoreMap()
    const said = h('p', { class: 'said', 'aria-live': 'polite' })
    const rowsTable = h('tbody')
    const bars = h('div', { class: 'bars' })
    const exact = h('p', { class: 'exact', 'aria-live': 'polite' })
    const position = slider(
      'Tile',
      0,
      0,
      (value) => `${value + 1} of ${trace?.steps.length ?? 1}`,
      (value) => show(value),
    )
    const play = h('button', { type: 'button', click: () => (timer === undefined ? start() : stop()) }, 'Play')

    const stop = (): void => {
      clearInterval(timer)
      timer = undefined
      play.textContent = 'Play'
    }
    const start = (): void => {
      if (!trace) return
      if (step >= trace.steps.length - 1) show(0)
      play.textContent = 'Pause'
      timer = setInterval(() => (trace && step < trace.steps.length - 1 ? show(step + 1) : stop()), 450)
    }
    const show = (value: number): void => {
      if (!trace || !capture) return
      step = Math.max(0, Math.min(value, trace.steps.length - 1))
      position.set(step, trace.steps.length - 1)
      const now = trace.steps[step]
      if (!now) return
      map.show({ trace, step, tokens: capture.tokens, rowTile: settings.rowTile, keyTile: settings.keyTile })
      const place = `queries ${now.firstRow} to ${now.endRow - 1}, keys ${now.firstKey} to ${now.endKey - 1}`
      said.textContent = now.isSkipped
        ? `Tile ${step + 1}: ${place}. No query sees any of these keys: flash neither reads nor computes them.`
        : `Tile ${step + 1}: ${place}.`
      rowsTable.replaceChildren(
        ...now.maxima.map((maximum, row) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, JSON.stringify(capture?.tokens[now.firstRow + row] ?? '')),
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
    }
    const compute = (): void => {
      if (!capture) return
      const { q, k, v, tokens, headDim } = capture
      const { head, rowTile, keyTile, isCausal, isPacked } = settings
      trace = traceFlash({
        q,
        k,
        v,
        headDim,
        tokens: tokens.length,
        numHeads: facts.numHeads,
        numKvHeads: facts.numKvHeads,
        head,
        isCausal,
        window: settings.window || undefined,
        rowTile,
        keyTile,
        isPacked,
      })
      stop()
      show(Math.min(step, trace.steps.length - 1))
      compareKernels()
    }
    const compareKernels = (): void => {
      if (!capture || !trace || !attended) return
      const { headDim, tokens } = capture
      const of = (index: number): number =>
        (Math.floor(index / headDim) * facts.numHeads + settings.head) * headDim + (index % headDim)
      const largest = (difference: (index: number) => number): number =>
        Array.from({ length: tokens.length * headDim }, (_, index) => Math.abs(difference(index))).reduce(
          (a, b) => Math.max(a, b),
          0,
        )
      const { plain, flash } = attended
      const { output } = trace
      exact.replaceChildren(
        'Exact: the largest difference from the device’s plain kernel is ',
        h('strong', {}, digits(largest((i) => (output[i] as number) - (plain[of(i)] as number)))),
        ' for these tiles in float64, and ',
        h('strong', {}, digits(largest((i) => (flash[of(i)] as number) - (plain[of(i)] as number)))),
        ` for the device’s own flash kernel in float32. The device: ${attended.device}.`,
      )
    }
    const attend = async (): Promise<void> => {
      if (!capture) return
      const mine = (asked += 1)
      const answer = await engine.attend({
        ...capture,
        isCausal: settings.isCausal,
        window: settings.window || undefined,
      })
      if (isLeft || mine !== asked) return
      attended = answer
      compute()
    }
    const read = async (): Promise<void> => {
      const { text, layer } = settings
      const answer = await engine.capture({ text: text.trim() === '' ? 'The' : text, layer, maxTokens })
      if (isLeft) return
      capture = answer
      await attend()
    }
    const failing = (work: Promise<void>): void => void work.catch((error: Error) => (said.textContent = error.message))
    const tiles = [4, 8, 16, 32].map((size) => [size, `${size}`] as const)

    const element = h(
      'article',
      {},
      h('h1', {}, 'Attention in tiles'),
      h(
        'p',
        { class: 'lead' },
        'FlashAttention never writes the matrix of scores. It goes over it in tiles that fit a processor’s fast memory, and keeps two numbers a query: the largest score so far, m, and the sum l of exp(score − m). When m rises, what was summed before shrinks by a correction, and at the end nothing is lost.',
      ),
      h(
        'section',
        { class: 'controls', 'aria-label': 'What to compute' },
        textBox('Text', settings.text, (text) => failing(change({ text }, read))),
        choice(
          'Layer',
          Array.from({ length: facts.numLayers }, (_, index) => [index, `${index + 1}`] as const),
          settings.layer,
          (layer) => failing(change({ layer }, read)),
        ),
        choice(
          'Query head',
          Array.from(
            { length: facts.numHeads },
            (_, index) =>
              [
                index,
                `${index + 1}, of KV head ${Math.floor(index / (facts.numHeads / facts.numKvHeads)) + 1}`,
              ] as const,
          ),
          settings.head,
          (head) => failing(change({ head }, async () => compute())),
        ),
        choice('Queries a tile', tiles, settings.rowTile, (rowTile) =>
          failing(change({ rowTile }, async () => compute())),
        ),
        choice('Keys a tile', tiles, settings.keyTile, (keyTile) =>
          failing(change({ keyTile }, async () => compute())),
        ),
        choice(
          'Window',
          [
            [0, 'none'],
            [4, '4 tokens'],
            [12, '12 tokens'],
            [24, '24 tokens'],
          ],
          settings.window,
          (window) => failing(change({ window }, attend)),
        ),
        tick('Causal', settings.isCausal, (isCausal) => failing(change({ isCausal }, attend))),
        tick(
          `One read of keys for the ${facts.numHeads / facts.numKvHeads} query heads that share them`,
          settings.isPacked,
          (isPacked) => failing(change({ isPacked }, async () => compute())),
        ),
      ),
      h(
        'div',
        { class: 'stage' },
        h(
          'figure',
          { class: 'map' },
          map.element,
          h(
            'figcaption',
            {},
            h('span', { class: 'key key-p' }),
            'weight of a key so far',
            h('span', { class: 'key key-skip' }),
            'skipped',
            h('span', { class: 'key key-now' }),
            'this tile',
          ),
        ),
        h(
          'div',
          { class: 'side' },
          h(
            'div',
            { class: 'steps' },
            position.element,
            h(
              'div',
              { class: 'buttons' },
              h('button', { type: 'button', click: () => show(step - 1) }, 'Back'),
              h('button', { type: 'button', click: () => show(step + 1) }, 'Next'),
              play,
            ),
          ),
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
        ),
      ),
      exact,
      h(
        'p',
        { class: 'note' },
        'Bytes are those of float32: flash reads each tile of queries once, and the keys and values of each tile that it computes; plain also writes each score, reads and writes it for the softmax, and reads it again for the values. On a real processor the tiles are larger; the proportions are the point.',
      ),
    )
    const change = async (some: Partial<Settings>, then: () => Promise<void>): Promise<void> => {
      Object.assign(settings, some)
      await then()
    }
    said.textContent = 'The model reads the text …'
    failing(read())
    return {
      element,
      redraw: () => map.draw(),
      leave() {
        isLeft = true
        stop()
      },
    }
  },
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
