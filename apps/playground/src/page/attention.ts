import type { Attended, Capture } from '../engine/protocol.ts'
import { type Trace, traceFlash } from '../trace/flash-trace.ts'
import { slider } from '../view/controls.ts'
import { h } from '../view/dom.ts'
import { scoreMap } from '../view/score-map.ts'
import { attentionControls, firstSettings } from './attention-controls.ts'
import { exactness, tileView } from './attention-view.ts'
import type { Page } from './page.ts'

const maxTokens = 48

/** FlashAttention on one head of the model, tile by tile. */
export const attentionPage: Page = {
  path: 'attention',
  title: 'Attention in tiles',
  mount({ engine, facts }) {
    const settings = firstSettings()
    let capture: Capture | undefined
    let trace: Trace | undefined
    let attended: Attended | undefined
    let step = 0
    let timer: ReturnType<typeof setInterval> | undefined
    let asked = 0
    let isLeft = false

    const map = scoreMap()
    const tile = tileView()
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
      map.show({ trace, step, tokens: capture.tokens, rowTile: settings.rowTile, keyTile: settings.keyTile })
      tile.show(trace, step, capture.tokens)
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
      exact.replaceChildren(...exactness(trace, attended, capture, settings.head, facts.numHeads))
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
    const failing = (work: Promise<void>): void => void work.catch((error: Error) => tile.say(error.message))
    const again = { text: read, mask: attend, tiles: async () => compute() }

    const element = h(
      'article',
      {},
      h('h1', {}, 'Attention in tiles'),
      h(
        'p',
        { class: 'lead' },
        'FlashAttention never writes the matrix of scores. It goes over it in tiles that fit a processor’s fast memory, and keeps two numbers a query: the largest score so far, m, and the sum l of exp(score − m). When m rises, what was summed before shrinks by a correction, and at the end nothing is lost.',
      ),
      attentionControls(settings, facts, (stale) => failing(again[stale]())),
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
          ...tile.elements,
        ),
      ),
      exact,
      h(
        'p',
        { class: 'note' },
        'Bytes are those of float32: flash reads each tile of queries once, and the keys and values of each tile that it computes; plain also writes each score, reads and writes it for the softmax, and reads it again for the values. On a real processor the tiles are larger; the proportions are the point.',
      ),
    )
    tile.say('The model reads the text …')
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
