import { TesseraError } from '@tessera-llm/tensor'
import { isBlockLinear } from '../names/index.ts'
import { matchTargets, type Mix, type MixStep, type QuantizeStep, type Recipe } from '../recipe/index.ts'
import type { ModelWeights } from '../weights/index.ts'
import { type MixedFormat, mixFormats } from './mix-formats.ts'

/** The quantizing step that a mix implies for one weight. */
export interface MixedStep extends QuantizeStep {
  readonly mix: Mix
}

/**
 * The quantizing steps of a mix. Embedding and head, for which llama.cpp's importance matrices have no entries, are
 * rounded to nearest.
 *
 * @throws TesseraError `invalid-option` for targets without a format in the mix
 */
export function mixSteps(step: MixStep, weights: ModelWeights): ReadonlyMap<string, MixedStep> {
  const { mix, method = 'rtn', importance, correct } = step
  return new Map(
    [...formatsOf(step, weights)].map(([name, { format }]) => [
      name,
      {
        kind: 'quantize',
        mix,
        format,
        ...(isBlockLinear(name)
          ? {
              method,
              ...(importance === undefined ? {} : { importance }),
              ...(correct === undefined ? {} : { correct }),
            }
          : { method: 'rtn' }),
      },
    ]),
  )
}

/** Formats that replace those of mixes because rows do not fit, as sentences. */
export function mixNotes(weights: ModelWeights, { steps }: Recipe): readonly string[] {
  return steps.flatMap((step) => {
    if (step.kind !== 'mix') return []
    const formats = [...formatsOf(step, weights).values()]
    const other = formats.filter(({ format, wanted }) => format !== wanted)
    if (other.length === 0) return []
    const pairs = [...new Set(other.map(({ format, wanted }) => `${format} in place of ${wanted}`))]
    return [
      `${step.mix}: ${other.length} of ${formats.length} matrices have rows that are no whole blocks, and become ${pairs.join(', ')}`,
    ]
  })
}

function formatsOf({ mix, targets }: MixStep, weights: ModelWeights): ReadonlyMap<string, MixedFormat> {
  const formats = mixFormats(mix, weights)
  const names = targets === undefined ? undefined : new Set(matchTargets(targets, [...weights.keys()]))
  const meant = new Map([...formats].filter(([name]) => names?.has(name) ?? true))
  if (meant.size === 0)
    throw new TesseraError(
      'invalid-option',
      `recipe: the targets ${JSON.stringify(targets ?? `of ${mix}`)} match no linear layer of a block, no embedding and no head`,
    )
  return meant
}
