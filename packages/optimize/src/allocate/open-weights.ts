import { TesseraError } from '@tessera-llm/tensor'
import { assignSteps } from '../apply/assignments.ts'
import { isBlockLinear } from '../names/index.ts'
import { formatLabel } from '../plan/index.ts'
import { type BudgetStep, matchTargets, type Recipe, type WeightFormat } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import type { ModelWeight } from '../weights/index.ts'
import type { FileSize } from './file-size.ts'

/** A possible format of a weight; undefined if it stays as stored. */
export interface FormatChoice {
  readonly name: string
  readonly format: WeightFormat | undefined
  readonly bytes: number
}

export interface OpenWeight {
  readonly weight: ModelWeight
  readonly options: readonly FormatChoice[]
  /** Formats that the weight cannot have, with reasons. */
  readonly refused: ReadonlyMap<string, string>
}

/** The weights whose formats the budget decides, with their possible formats. */
export function openWeights(
  original: Subject,
  { weights }: Subject,
  { steps }: Recipe,
  { targets, formats }: BudgetStep,
  at: number,
  file: FileSize,
): readonly OpenWeight[] {
  // Scaled weights are stored anew.
  const scales = steps.some(({ kind }) => kind === 'awq' || kind === 'smooth')
  const names = [...weights.keys()]
  const named =
    targets === undefined
      ? names.filter((name) => isBlockLinear(name) || name === 'embedding' || name === 'head')
      : matchTargets(targets, names)
  const later = assignSteps(weights, { steps: steps.slice(at + 1) })
  const earlier = assignSteps(weights, { steps: steps.slice(0, at) })
  const open = named.filter((name) => !later.has(name) && weights.get(name)?.shape.length === 2)
  if (open.length === 0)
    throw new TesseraError(
      'invalid-option',
      'budget: no weight is left to decide on; the steps after the budget name all of its targets',
    )
  return open.map((name) => {
    const weight = weights.get(name) as ModelWeight
    const refused = new Map<string, string>()
    const choices: FormatChoice[] = []
    for (const format of formats ?? file.formats) {
      const bytes = file.weightBytes(weight.shape, format)
      if (typeof bytes === 'number') choices.push({ name, format, bytes })
      else refused.set(formatLabel(format), bytes)
    }
    const kept =
      original.weights.get(name) === weight && !earlier.has(name) && !scales ? file.keptBytes(weight) : undefined
    if (kept !== undefined) choices.push({ name, format: undefined, bytes: kept })
    if (choices.length === 0)
      throw new TesseraError(
        'invalid-option',
        `budget: ${name} cannot be stored in any of the formats (${told(refused)}); offer others in "formats"`,
      )
    return { weight, options: choices, refused }
  })
}

/** Message for a budget below the smallest formats. */
export function tooSmall({ size }: BudgetStep, budget: number, least: number, open: readonly OpenWeight[]): string {
  const refused = new Map(open.flatMap((weight) => [...weight.refused]))
  const without = refused.size > 0 ? ` (left out for some weights: ${told(refused)})` : ''
  return `budget: ${size} (${budget} bytes) cannot be met: with the smallest formats the file takes ${least} bytes${without}. Set the size to at least ${Math.ceil(least / 1e5) / 10}MB, or offer smaller formats`
}

/** Formats with the reasons why a weight cannot have them. */
function told(refused: ReadonlyMap<string, string>): string {
  const formats = new Map<string, string[]>()
  for (const [format, reason] of refused) {
    const common = reason.replace(` (${format})`, '')
    formats.set(common, [...(formats.get(common) ?? []), format])
  }
  return [...formats].map(([reason, names]) => `${names.join(', ')}: ${reason}`).join('; ')
}
