import {
  type GgmlFormat,
  ggmlFallbacks,
  type Mix,
  namedRecipe,
  type QuantizeStep,
  type Recipe,
  type WeightFormat,
} from '@tessera-llm/optimize'
import { type Anchor, anchors } from './anchors.ts'

export interface CompressionRow {
  readonly id: string
  readonly recipe: Recipe
  /** The published method to compare with. */
  readonly anchor?: Anchor | undefined
  /**
   * Whether the activations are those of the original model, gathered once for all such rows, like llama.cpp's
   * importance matrix. Default: layer by layer.
   */
  readonly isStatic?: true | undefined
  /** For a recipe with a budget: the row whose bytes it must match. */
  readonly sameBytesAs?: string | undefined
}

const named = (id: string, anchor?: Anchor): CompressionRow => ({ id, recipe: namedRecipe(id), anchor })
const rtn = (format: WeightFormat, more: Partial<QuantizeStep> = {}): QuantizeStep => ({
  kind: 'quantize',
  method: 'rtn',
  format,
  ...more,
})
const row = (id: string, steps: Recipe['steps'], anchor?: Anchor): CompressionRow => ({
  id,
  recipe: { name: id, steps },
  anchor,
})

/**
 * A llama.cpp type for all linear layers, with the fallback type of its quantizer for rows that are not multiples of
 * 256: all but `down` of SmolLM2.
 */
function ggml(type: GgmlFormat): readonly CompressionRow[] {
  const instead = ggmlFallbacks[type]
  const steps = (more: Partial<QuantizeStep>): Recipe['steps'] =>
    instead === undefined
      ? [rtn(type, more)]
      : [rtn(instead, more), rtn(type, { ...more, targets: 'layers.*.mlp.down' })]
  return [row(type, steps({})), { ...row(`${type}-importance`, steps({ importance: true })), isStatic: true }]
}

/**
 * A mixed type of llama.cpp for all linear layers. SmolLM2's embedding, which is the head, is stored in the q8_0 that
 * the mix would give it.
 */
function mixed(mix: Mix, importance?: true): CompressionRow {
  const step = { kind: 'mix', mix, targets: 'layers.**' } as const
  return importance ? { ...row(`${mix}-importance`, [{ ...step, importance }]), isStatic: true } : row(mix, [step])
}

/** Integer formats that a budget chooses from. With 2 bits, the joint loss exceeds the sum of the single losses. */
const integers: readonly WeightFormat[] = [
  { bits: 8, group: 64, symmetric: true },
  ...([4, 3] as const).flatMap((bits) => [32, 64, 192].map((group): WeightFormat => ({ bits, group }))),
]

/** Linear layers in several formats, within the bytes that one format takes on SmolLM2-135M. */
const budget = (
  id: string,
  sameBytesAs: string,
  size: number,
  formats: readonly WeightFormat[],
  isRotated: boolean,
): CompressionRow => ({
  ...row(id, [
    ...(isRotated ? [{ kind: 'rotate' } as const] : []),
    { kind: 'budget', size, targets: 'layers.**', formats, ...(isRotated ? { correct: true } : {}) },
  ]),
  sameBytesAs,
})

const int8Rows = rtn({ bits: 8, group: 'row', symmetric: true }, { clip: false })
const withActivations = (
  id: string,
  activations: Recipe['activations'],
  steps: Recipe['steps'],
  anchor?: Anchor,
): CompressionRow => ({ id, recipe: { name: id, activations, steps }, anchor })
const cache = (id: string, kept: Recipe['cache'], anchor?: Anchor): CompressionRow => ({
  id,
  recipe: { name: id, cache: kept, steps: [] },
  anchor,
})

/** Rows that round no weights, or int8 ones: they round inputs of layers, or keys and values. */
function whileRunning(): readonly CompressionRow[] {
  return [
    withActivations('stored-a8-blocks', 'int8', []),
    withActivations('stored-a8-tokens', 'int8-token', []),
    withActivations('w8a8-tokens', 'int8-token', [int8Rows], anchors.w8a8),
    named('w8a8'),
    withActivations('w8a8-tokens-rotated', 'int8-token', [{ kind: 'rotate' }, int8Rows], anchors.w8a8Rotated),
    named('w8a8-static', anchors.w8a8StaticSmooth),
    withActivations('w8a8-static-plain', 'int8-static', [int8Rows], anchors.w8a8Static),
    withActivations('w8a8-static-rotated', 'int8-static', [{ kind: 'rotate' }, int8Rows], anchors.w8a8StaticRotated),
    named('w4a4-rotated', anchors.w4a4Hadamard),
    withActivations(
      'w4a4-rotated-offline',
      'int4-token',
      [
        { kind: 'rotate', heads: true },
        { kind: 'quantize', method: 'gptq', format: { bits: 4, group: 64 }, correct: true },
      ],
      anchors.w4a4Rotated,
    ),
    withActivations('w8a4-rotated', 'int4-token', [{ kind: 'rotate', heads: true }, int8Rows]),
    withActivations('w8a8-blocks', 'int8', [int8Rows]),
    withActivations('w8a8-blocks-rotated', 'int8', [{ kind: 'rotate' }, int8Rows]),
    cache('kv-f16', { format: 'f16' }),
    named('kv-int8', anchors.kv8),
    cache('kv-fp8', { format: 'fp8' }),
    named('kv-int4'),
    cache('kv-int4-none-exact', { format: 'int4', exactTokens: 0 }, anchors.kv4),
    cache('kv-int2', { format: 'int2' }, anchors.kv2Exact),
    cache('kv-int2-none-exact', { format: 'int2', exactTokens: 0 }, anchors.kv2),
  ]
}

/**
 * Published methods as described, each on the basis of its published figures: merged norms, with or without a rotated
 * residual stream. Plain GPTQ spans each group's weights, takes columns in order, and targets the outputs of its own
 * inputs.
 */
function published(): readonly CompressionRow[] {
  const merged = { kind: 'rotate', matrix: 'identity' } as const
  const rotated = { kind: 'rotate' } as const
  const spanned = { clip: false } as const
  const plain: Partial<QuantizeStep> = { ...spanned, actOrder: false, passes: 0 }
  const gptq = (bits: 2 | 3 | 4, more: Partial<QuantizeStep>): QuantizeStep => ({
    kind: 'quantize',
    method: 'gptq',
    format: { bits, group: 64 },
    ...more,
  })
  const basis = (name: string, ...steps: Recipe['steps']): CompressionRow => row(`published-${name}`, steps)
  const bases = (
    name: string,
    step: QuantizeStep,
    [onMerged, onRotated]: readonly [Anchor, Anchor],
  ): readonly CompressionRow[] => [
    { ...basis(`${name}-merged`, merged, step), anchor: onMerged },
    { ...basis(`${name}-rotated`, rotated, step), anchor: onRotated },
  ]
  return [
    ...bases('rtn-8-row', int8Rows, [anchors.rtn8, anchors.rtn8Rotated]),
    ...bases('rtn-4-32', rtn({ bits: 4, group: 32 }, spanned), [
      anchors.rtn4Groups32Merged,
      anchors.rtn4Groups32Rotated,
    ]),
    { ...basis('rtn-4-32', rtn({ bits: 4, group: 32 }, spanned)), anchor: anchors.rtn4Groups32 },
    ...bases('rtn-4', rtn({ bits: 4, group: 64 }, spanned), [anchors.rtn4Merged, anchors.rtn4Rotated]),
    ...bases('rtn-4-row', rtn({ bits: 4, group: 'row' }, spanned), [anchors.rtn4RowMerged, anchors.rtn4RowRotated]),
    ...bases('rtn-4-row-symmetric', rtn({ bits: 4, group: 'row', symmetric: true }, spanned), [
      anchors.rtn4SymmetricMerged,
      anchors.rtn4SymmetricRotated,
    ]),
    ...bases('rtn-3', rtn({ bits: 3, group: 64 }, spanned), [anchors.rtn3Merged, anchors.rtn3Rotated]),
    ...bases('rtn-2', rtn({ bits: 2, group: 64 }, spanned), [anchors.rtn2Merged, anchors.rtn2Rotated]),
    { ...basis('nf4', merged, rtn({ codebook: 'nf4', group: 64 }, spanned)), anchor: anchors.nf4 },
    {
      ...basis('hqq-4', merged, { kind: 'quantize', method: 'hqq', format: { bits: 4, group: 64 } }),
      anchor: anchors.hqq4,
    },
    ...bases('gptq-4', gptq(4, plain), [anchors.gptq4Merged, anchors.gptq4RotatedPlain]),
    withActivations('published-w4a8-merged', 'int8-token', [merged, gptq(4, plain)], anchors.w4a8),
    withActivations('published-w4a8-rotated', 'int8-token', [rotated, gptq(4, plain)], anchors.w4a8Rotated),
    ...bases('gptq-3', gptq(3, plain), [anchors.gptq3, anchors.gptq3RotatedPlain]),
    { ...basis('gptq-2-merged', merged, gptq(2, plain)), anchor: anchors.gptq2 },
    { ...basis('gptq-3-order', rotated, gptq(3, { ...plain, actOrder: true })), anchor: anchors.gptq3RotatedOrder },
    { ...basis('gptq-3-clipped', rotated, gptq(3, { ...plain, clip: true })), anchor: anchors.gptq3RotatedClipped },
    {
      ...basis('gptq-3-corrected', rotated, gptq(3, { ...plain, correct: true })),
      anchor: anchors.gptq3RotatedCorrected,
    },
    {
      ...basis('awq-3', merged, { kind: 'awq' }, rtn({ bits: 3, group: 64 }, { importance: true })),
      anchor: anchors.awq3,
    },
    { ...basis('awq-gptq-3', merged, { kind: 'awq' }, gptq(3, plain)), anchor: anchors.awqGptq3 },
  ]
}

/** Ablations of the 3-bit recipe: one part left out at a time, plain GPTQ, and no error feedback. */
function ablations(): readonly CompressionRow[] {
  const gptq = (more: Partial<QuantizeStep> = {}): QuantizeStep => ({
    kind: 'quantize',
    method: 'gptq',
    format: { bits: 3, group: 64 },
    correct: true,
    ...more,
  })
  const rotated = (id: string, more: Partial<QuantizeStep>): CompressionRow => row(id, [{ kind: 'rotate' }, gptq(more)])
  const plain: Partial<QuantizeStep> = { clip: false, correct: false, actOrder: false, passes: 0 }
  return [
    rotated('ablation-none', {}),
    row('ablation-rotation', [gptq()]),
    rotated('ablation-search', { clip: false }),
    rotated('ablation-correction', { correct: false }),
    rotated('ablation-order', { actOrder: false }),
    rotated('ablation-refinement', { passes: 0 }),
    rotated('ablation-all-but-rotation', plain),
    row('ablation-all', [gptq(plain)]),
    row('ablation-feedback', [{ kind: 'rotate' }, rtn({ bits: 3, group: 64 })]),
  ]
}

/** All rows that can be requested: those of the report, and those measured only by name. */
export const everyRow = (): readonly CompressionRow[] => [...compressionRows(), ...published(), ...ablations()]

/** Measured recipes, most important first. */
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
    named('fp8'),
    named('q4_0-importance'),
    ...ggml('q4_k'),
    ...ggml('q3_k'),
    ...ggml('q2_k'),
    ...ggml('q5_k'),
    ...ggml('q6_k'),
    ...ggml('iq4_nl'),
    mixed('q4_k_m'),
    mixed('q4_k_m', true),
    mixed('q3_k_m'),
    mixed('q5_k_m'),
    budget('budget-3-rotated', 'gptq-3-rotated', 43_752_960, integers, true),
    budget('budget-4-rotated', 'gptq-4-rotated', 57_231_360, integers, true),
    budget('budget-q4_0', 'gptq-q4_0', 59_719_680, ['q5_0', 'q4_1', 'q4_0', 'iq4_nl', 'mxfp4', 'q3_k', 'q2_k'], false),
    ...whileRunning(),
  ]
}
