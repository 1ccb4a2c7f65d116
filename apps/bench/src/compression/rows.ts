import { type GgmlFormat, namedRecipe, type QuantizeStep, type Recipe, type WeightFormat } from '@tessera-llm/optimize'
import { type Anchor, anchors } from './anchors.ts'

export interface CompressionRow {
  readonly id: string
  readonly recipe: Recipe
  /** The published method to be compared with. */
  readonly anchor?: Anchor | undefined
  /** Activations are those of the original model, gathered once for all such rows, as llama.cpp's importance matrix is; layer by layer where absent. */
  readonly isStatic?: true | undefined
}

const named = (id: string, anchor?: Anchor): CompressionRow => ({ id, recipe: namedRecipe(id), anchor })
const rtn = (format: WeightFormat, more: Partial<QuantizeStep> = {}): QuantizeStep => ({ kind: 'quantize', method: 'rtn', format, ...more })
const row = (id: string, steps: Recipe['steps'], anchor?: Anchor): CompressionRow => ({ id, recipe: { name: id, steps }, anchor })

/** A type of llama.cpp for all linear layers, and where rows are not multiples of 256 the one that its quantizer takes instead: all but `down` of SmolLM2. */
function ggml(type: GgmlFormat, instead?: GgmlFormat): readonly CompressionRow[] {
  const steps = (more: Partial<QuantizeStep>): Recipe['steps'] => (instead === undefined ? [rtn(type, more)] : [rtn(instead, more), rtn(type, { ...more, targets: 'layers.*.mlp.down' })])
  return [row(type, steps({})), { ...row(`${type}-importance`, steps({ importance: true })), isStatic: true }]
}

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
    named('awq-4', anchors.awq4),
    named('awq-gptq-4', anchors.awqGptq4),
    named('gptq-3', anchors.gptq3),
    row('rtn-8-row', [rtn({ bits: 8, group: 'row', symmetric: true }, { clip: false })], anchors.rtn8),
    named('q8_0'),
    named('q4_0-importance'),
    ...ggml('q4_k', 'q5_0'),
    ...ggml('q3_k', 'iq4_nl'),
    ...ggml('q2_k', 'iq4_nl'),
    ...ggml('q5_k', 'q5_1'),
    ...ggml('q6_k', 'q8_0'),
    ...ggml('iq4_nl'),
  ]
}
