import type { Converted, ConvertRequest } from '../engine/protocol.ts'
import { curve } from '../view/curve.ts'
import { h } from '../view/dom.ts'
import { bytes, digits, percent } from '../view/numbers.ts'
import type { Page } from './page.ts'

const methods: readonly (readonly [ConvertRequest['method'], string])[] = [
  ['principal', 'the principal components of their activations; queries and outputs take up what restores each head'],
  ['activation', 'turned until their activations agree, grouped by that, and averaged'],
  ['mean', 'the average of neighbours, as in the paper of grouped-query attention'],
  ['first', 'the first of neighbours'],
]

/** MHA to GQA to MQA: cache bytes against agreement with the original model. */
export const headsPage: Page = {
  path: 'heads',
  title: 'Fewer heads',
  mount({ engine, facts }) {
    const { numHeads, numLayers, headDim } = facts
    const counts = Array.from({ length: numHeads }, (_, index) => numHeads - index).filter(
      (count) => numHeads % count === 0,
    )
    const bytesOf = (count: number): number => 2 * 2 * numLayers * headDim * count
    const results: Converted[] = []
    let isLeft = false
    const status = h('p', { class: 'said', 'aria-live': 'polite' })
    const plot = h('div')
    const rows = h('tbody')

    const show = (): void => {
      plot.replaceChildren(
        curve(
          results.map(({ method, cacheBytesPerToken, top1Agreement }) => ({
            series: method,
            bytes: cacheBytesPerToken,
            share: top1Agreement,
          })),
          methods.map(([method]) => method),
          counts.map(bytesOf),
        ),
      )
      rows.replaceChildren(
        ...results.map(({ method, numKvHeads, cacheBytesPerToken, top1Agreement, kld, perplexity }) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, method),
            h('td', {}, kindOf(numKvHeads, numHeads)),
            h('td', {}, bytes(cacheBytesPerToken)),
            h('td', {}, percent(top1Agreement)),
            h('td', {}, digits(Math.max(0, kld))),
            h('td', {}, digits(perplexity)),
          ),
        ),
      )
    }
    const run = async (): Promise<void> => {
      const all = methods.flatMap(([method]) => counts.map((numKvHeads) => ({ method, numKvHeads })))
      for (const [index, request] of all.entries()) {
        status.textContent = `Converts and measures: ${request.method} to ${kindOf(request.numKvHeads, numHeads)} (${index + 1} of ${all.length}) …`
        const result = await engine.convert(request)
        if (isLeft) return
        results.push(result)
        show()
      }
      status.textContent = `Done: ${all.length} conversions, each run on 768 held-out tokens beside the model before, whose perplexity is ${digits(facts.perplexity)}.`
    }
    show()
    run().catch((error: Error) => (status.textContent = error.message))
    const element = h(
      'article',
      {},
      h('h1', {}, 'Fewer key-value heads'),
      h(
        'p',
        { class: 'lead' },
        `Each token leaves keys and values in the cache, for every key-value head. This model has ${facts.numKvHeads} for its ${numHeads} query heads; written as multi-head attention, with each head repeated, it computes the same with ${numHeads}. From there the page merges heads again: what stays the same, and what is lost?`,
      ),
      h('dl', { class: 'methods' }, ...methods.flatMap(([method, words]) => [h('dt', {}, method), h('dd', {}, words)])),
      status,
      plot,
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Results' },
        h(
          'table',
          {},
          h('caption', {}, 'What was measured'),
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              ...['method', 'attention', 'cache a token', 'same first token', 'KL divergence', 'perplexity'].map(
                (title) => h('th', { scope: 'col' }, title),
              ),
            ),
          ),
          rows,
        ),
      ),
      h(
        'p',
        { class: 'note' },
        `At ${facts.numKvHeads} heads each merges copies with copies, and nothing is lost. At other counts heads that differ share one: at ${facts.numKvHeads + 1} some must, although there is more room than at ${facts.numKvHeads}; at 1 all do, and only further training brings back what that loses. Cache bytes are those of f16.`,
      ),
    )
    return {
      element,
      redraw: show,
      leave() {
        isLeft = true
      },
    }
  },
}

function kindOf(count: number, numHeads: number): string {
  return count === numHeads ? `MHA, ${count}` : count === 1 ? 'MQA, 1' : `GQA, ${count}`
}
