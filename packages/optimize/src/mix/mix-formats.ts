import { isBlockLinear } from '../names/index.ts'
import type { GgmlFormat, Mix } from '../recipe/index.ts'
import type { ModelWeight } from '../weights/index.ts'
import { fittingFormat } from './ggml-fallback.ts'
import { type MixRules, mixRules, type Place } from './mix-rules.ts'

/** Format of a weight in a mix, and the format that it would have if its rows fitted. */
export interface MixedFormat {
  readonly format: GgmlFormat
  readonly wanted: GgmlFormat
}

/**
 * Layer count by which llama.cpp recognises 70B models. With grouped-query attention their values are few and get more
 * bits.
 */
const layersOf70b = 80

/**
 * Formats of a model's matrices in a mix, by canonical name: linear layers of blocks, embedding and head. The rules
 * depend on the positions of all layers.
 */
export function mixFormats(
  mix: Mix,
  weights: ReadonlyMap<string, Pick<ModelWeight, 'shape'>>,
): ReadonlyMap<string, MixedFormat> {
  const rules = mixRules[mix]
  const names = [...weights].flatMap(([name, { shape }]) => (shape.length === 2 && isMixed(name) ? [name] : []))
  const layers = [...new Set(names.flatMap((name) => layerOf(name) ?? []))].sort((a, b) => a - b)
  const rowsOf = (part: string): number => weights.get(`layers.${layers[0]}.attention.${part}`)?.shape[0] ?? 1
  const headsPerGroup = rowsOf('query') / rowsOf('value')
  const placeOf = (name: string): Place => ({
    index: layers.indexOf(layerOf(name) ?? 0),
    count: layers.length,
    headsPerGroup,
  })
  const has70b = layers.length === layersOf70b && headsPerGroup > 1
  return new Map(
    names.map((name) => {
      const columns = weights.get(name)?.shape[1] ?? 0
      const ruled = isHead(name, weights) ? 'q6_k' : ruledFormat(name, rules, placeOf(name))
      const isFew = has70b && name.endsWith('.attention.value') && (ruled === 'q3_k' || ruled === 'q4_k')
      const wanted = isFew ? 'q5_k' : ruled
      return [name, { wanted, format: fittingFormat(wanted, columns) }]
    }),
  )
}

function ruledFormat(name: string, { base, value, down, output, fused }: MixRules, place: Place): GgmlFormat {
  if (name.endsWith('.attention.value')) return value?.(place) ?? base
  if (name.endsWith('.mlp.down')) return down?.(place) ?? base
  if (name.endsWith('.attention.output')) return output?.(place) ?? base
  return isFused(name) ? (fused?.(place) ?? base) : base
}

/** Matrices that a mix changes. Tables of positions and token types stay unchanged. */
function isMixed(name: string): boolean {
  return isBlockLinear(name) || isFused(name) || name === 'embedding' || name === 'head'
}

/** The head, or a tied embedding. */
function isHead(name: string, weights: ReadonlyMap<string, unknown>): boolean {
  return name === 'head' || (name === 'embedding' && !weights.has('head'))
}

/** Whether a weight is the fused query, key and value, which only GGUF files have and which has no canonical name. */
function isFused(name: string): boolean {
  return /^blk\.\d+\.attn_qkv\.weight$/.test(name)
}

function layerOf(name: string): number | undefined {
  const [, layer] = /^(?:layers|blk)\.(\d+)\./.exec(name) ?? []
  return layer === undefined ? undefined : Number(layer)
}
