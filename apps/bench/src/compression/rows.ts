import { namedRecipe, type QuantizeStep, type Recipe, type WeightFormat } from '@tessera-llm/optimize'
import { type Anchor, anchors } from './anchors.ts'

export interface CompressionRow {
  readonly id: string
  readonly recipe: Recipe
  /** The published method to be compared with. */
  readonly anchor?: Anchor | undefined
}

const named = (id: string, anchor?: Anchor): CompressionRow => ({ id, recipe: namedRecipe(id), anchor })
const rtn = (format: WeightFormat, more: Partial<QuantizeStep> = {}): QuantizeStep => ({ kind: 'quantize', method: 'rtn', format, ...more })
const row = (id: string, steps: Recipe['steps'], anchor?: Anchor): CompressionRow => ({ id, recipe: { name: id, steps }, anchor })

/** The recipes that are measured, the ones that matter most first. */
export function compressionRows(): readonly CompressionRow[] {
  return [
    named('gptq-3-rotated', anchors.gptq3Rotated),
    named('gptq-2-rotated', anchors.gptq2Rotated),
    named('gptq-3-normal', anchors.gptq3Rotated),
    named('gptq-2-normal', anchors.gptq2Rotated),
    named('gptq-4-rotated', anchors.gptq4Rotated),
    named('gptq-4', anchors.gptq4),
    named('rtn-4'),
    row('rtn-4-range', [rtn({ bits: 4, group: 64 }, { clip: false })], anchors.rtn4),
    row('rtn-3-range', [rtn({ bits: 3, group: 64 }, { clip: false })], anchors.rtn3),
    named('hqq-4', anchors.hqq4),
    named('gptq-3', anchors.gptq3),
    row('rtn-8-row', [rtn({ bits: 8, group: 'row', symmetric: true }, { clip: false })], anchors.rtn8),
  ]
}
