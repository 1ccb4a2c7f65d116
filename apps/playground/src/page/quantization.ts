import type { Matrix, Quantized, QuantizeRequest } from '../engine/protocol.ts'
import { choice, tick } from '../view/controls.ts'
import { h } from '../view/dom.ts'
import { heatmap, type Picture } from '../view/heatmap.ts'
import { histogram } from '../view/histogram.ts'
import { bytes, digits, percent } from '../view/numbers.ts'
import type { Page } from './page.ts'

const bitChoices = [8, 4, 3, 2] as const

/** A weight matrix before and after quantization, and the model run with it. */
export const quantizationPage: Page = {
  path: 'quantization',
  title: 'Fewer bits',
  mount({ engine, facts }) {
    let request: QuantizeRequest = {
      name: facts.matrices.find((name) => name.endsWith('2.mlp.up')) ?? (facts.matrices[0] as string),
      method: 'rtn',
      bits: 4,
      group: 32,
      all: true,
    }
    let pictures: readonly Picture[] = []
    let drawShape = (): void => undefined
    let asked = 0
    let isLeft = false
    let before: { readonly name: string; readonly matrix: Matrix } | undefined

    const status = h('p', { class: 'said', 'aria-live': 'polite' })
    const facings = h('div', { class: 'tiles' })
    const maps = h('div', { class: 'maps' })
    const shape = h('div')
    const bitsOutput = h('output', {}, String(request.bits))
    const bits = h('input', {
      id: 'bits',
      type: 'range',
      min: 0,
      max: bitChoices.length - 1,
      step: 1,
      value: 1,
      'aria-valuetext': '4 bits',
      input: () => {
        const chosen = bitChoices[bitChoices.length - 1 - Number(bits.value)] ?? 4
        bitsOutput.textContent = String(chosen)
        bits.setAttribute('aria-valuetext', `${chosen} bits`)
        change({ bits: chosen })
      },
    })
    bits.value = String(bitChoices.length - 1 - bitChoices.indexOf(request.bits))

    const run = async (): Promise<void> => {
      const mine = (asked += 1)
      const sent = request
      status.textContent = `${sent.method.toUpperCase()} rounds ${sent.all ? `all ${facts.matrices.length} matrices` : sent.name} to ${sent.bits} bits, and the model reads the held-out text …`
      if (before?.name !== sent.name) before = { name: sent.name, matrix: await engine.matrix(sent.name) }
      // A newer change may have arrived; only the last one is worth computing.
      if (isLeft || mine !== asked) return
      const result = await engine.quantize(sent)
      if (isLeft || mine !== asked) return
      show(before.matrix, result, sent)
    }
    const show = ({ rows, columns, values }: Matrix, result: Quantized, sent: QuantizeRequest): void => {
      const error = values.map((value, index) => value - (result.values[index] as number))
      const scale = quantile(values, 0.995)
      const errorScale = quantile(error, 0.995)
      pictures = [
        heatmap(`${sent.name} before: ${rows} by ${columns} weights`, rows, columns, values, scale),
        heatmap(`${sent.name} after rounding to ${sent.bits} bits`, rows, columns, result.values, scale),
        heatmap('What was rounded away', rows, columns, error, errorScale || 1),
      ]
      maps.replaceChildren(
        ...pictures.map((picture, index) =>
          h(
            'figure',
            {},
            picture.element,
            h(
              'figcaption',
              {},
              [
                `before, full colour at ±${digits(scale)}`,
                `after, the same colours`,
                `difference, full colour at ±${digits(errorScale)}`,
              ][index],
            ),
          ),
        ),
      )
      for (const picture of pictures) picture.draw()
      drawShape = () => shape.replaceChildren(histogram(values, result.values, 1.3 * scale))
      drawShape()
      const loss = result.perplexity / facts.perplexity - 1
      facings.replaceChildren(
        fact(
          'Bits a weight',
          digits(result.bitsPerWeight),
          `${bytes(result.bytes.before)} → ${bytes(result.bytes.after)}, scales and zero points included`,
        ),
        fact('Error of its outputs', percent(result.outputError), 'of their energy, on calibration text'),
        fact(
          'Perplexity',
          digits(result.perplexity),
          `${digits(facts.perplexity)} before: ${loss >= 0 ? '+' : '−'}${percent(Math.abs(loss))}${sent.all ? ', with every linear layer rounded' : ', with this matrix alone rounded'}`,
        ),
        fact(
          'Time to round',
          `${digits(result.quantizeMs)} ms`,
          sent.all ? `${facts.matrices.length} matrices` : 'this matrix',
        ),
      )
      status.textContent = `${sent.method.toUpperCase()}, ${sent.bits} bits, ${sent.group === 'row' ? 'one scale a row' : `groups of ${sent.group}`}: perplexity ${digits(facts.perplexity)} → ${digits(result.perplexity)}.`
    }
    const change = (some: Partial<QuantizeRequest>): void => {
      request = { ...request, ...some }
      run().catch((error: Error) => (status.textContent = error.message))
    }
    const element = h(
      'article',
      {},
      h('h1', {}, 'Fewer bits for a weight'),
      h(
        'p',
        { class: 'lead' },
        'A quantized matrix holds a small code for each weight, and a scale and a zero point for each group of columns. Rounding to nearest (RTN) looks at one weight at a time, HQQ moves zero points so that a few large errors may stay, and GPTQ lets the weights that are left make up for those that were rounded, on the inputs that the layer really gets.',
      ),
      h(
        'section',
        { class: 'controls', 'aria-label': 'What to round' },
        choice(
          'Matrix',
          facts.matrices.map((name) => [name, name] as const),
          request.name,
          (name) => change({ name }),
        ),
        choice(
          'Method',
          [
            ['rtn', 'RTN'],
            ['hqq', 'HQQ'],
            ['gptq', 'GPTQ'],
          ] as const,
          request.method,
          (method) => change({ method }),
        ),
        h('div', { class: 'control' }, h('label', { for: 'bits' }, 'Bits'), bits, bitsOutput),
        choice(
          'Columns a scale',
          [
            [16, '16'],
            [32, '32'],
            [64, '64'],
            ['row', 'all of the row'],
          ] as const,
          request.group as 16 | 32 | 64 | 'row',
          (group) => change({ group }),
        ),
        tick('Round every linear layer before the model runs', request.all, (all) => change({ all })),
      ),
      status,
      facings,
      maps,
      shape,
      h(
        'p',
        { class: 'note' },
        'The perplexity is measured on 768 held-out tokens each time; GPTQ calibrates on 4096 others. The embedding, which is also the head, stays in f16. A model this small has little to spare: larger ones lose less at the same bits.',
      ),
    )
    change({})
    return {
      element,
      redraw() {
        for (const picture of pictures) picture.draw()
        drawShape()
      },
      leave() {
        isLeft = true
      },
    }
  },
}

function fact(title: string, value: string, more: string): HTMLElement {
  return h(
    'div',
    { class: 'fact' },
    h('h2', {}, title),
    h('p', { class: 'fact-value' }, value),
    h('p', { class: 'fact-more' }, more),
  )
}

/** Magnitude that a given fraction of the values do not exceed. */
function quantile(values: Float32Array, share: number): number {
  const magnitudes = values.map(Math.abs).sort()
  return magnitudes[Math.floor(share * (magnitudes.length - 1))] ?? 0
}
