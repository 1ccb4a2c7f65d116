import { allocate, type AllocationOption } from '@tessera-llm/quantization'
import { sizeOf } from '@tessera-llm/tensor'
import { formatLabel } from '../plan/index.ts'
import type { WeightLosses } from './measure-losses.ts'
import type { FormatChoice, OpenWeight } from './open-weights.ts'
import { meanOf, shrinkLosses } from './shrink-losses.ts'

/** A possible format with its predicted loss. */
export interface PricedChoice extends FormatChoice, AllocationOption {
  /** The predicted loss divided by the weight's measured one. */
  readonly quotient: number
}

export interface ChosenFormats {
  readonly choices: readonly PricedChoice[]
  readonly bytes: number
  readonly loss: number
  readonly lowerBound: number
  /** The best choice of one format for all weights within the budget; set if `choices` are a mixture. */
  readonly uniform?: Omit<ChosenFormats, 'uniform'> | undefined
}

export interface ChooseFormatsOptions {
  /** Bytes of the whole file. */
  readonly budget: number
  /** Bytes of the whole file with these choices: nearly their sum plus a constant. */
  bytesOf(choices: readonly FormatChoice[]): number
}

/** Standard errors by which a mixture must gain, on tokens that did not choose it, to be taken. */
const significantErrors = 2

/**
 * The formats of least predicted loss within a budget, or one format for all weights if the mixture's gain over it is
 * within the noise: a mixture that follows noise loses more than predicted. The gain is cross-validated (Stone, J. R.
 * Stat. Soc. B 36, 1974): one half of the tokens chooses the formats, the other half measures the gain, both ways.
 *
 * @param losses of every open weight, in the order of its formats
 * @throws TesseraError `invalid-value` when not even the smallest choices fit
 */
export function chooseFormats(
  open: readonly OpenWeight[],
  losses: readonly WeightLosses[],
  { budget, bytesOf }: ChooseFormatsOptions,
): ChosenFormats {
  const byName = new Map(losses.map((loss) => [loss.name, loss]))
  const measured = open.map(({ weight }) => byName.get(weight.name) as WeightLosses)
  const count = Math.min(...measured.map(({ runs }) => runs.length))
  const halves = [range(0, count >> 1), range(count >> 1, count)] as const
  const mixtureBy = (runs: readonly number[]): ChosenFormats =>
    bestMixture(priceOf(open, measured, runs), budget, bytesOf)
  const mixed = mixtureBy(range(0, count))
  const uniform = uniformChoices(open, priceOf(open, measured, range(0, count)))
    .filter((choices) => bytesOf(choices) <= budget)
    .reduce<readonly PricedChoice[] | undefined>(
      (best, each) => (best && lossOf(best) <= lossOf(each) ? best : each),
      undefined,
    )
  if (!uniform) return mixed
  const chosen = { ...mixed, choices: uniform, loss: lossOf(uniform), bytes: bytesOf(uniform) }
  if (count < 4) return { ...mixed, uniform: chosen }
  if (mixed.loss < lossOf(uniform)) {
    const gains = halves.flatMap((half, index) => {
      const { choices } = mixtureBy(halves[1 - index] as readonly number[])
      const lost = (of: readonly PricedChoice[], run: number): number =>
        of.reduce((sum, { quotient }, at) => sum + quotient * (measured[at]?.runs[run] as number), 0)
      return half.map((run) => 1 - lost(choices, run) / lost(uniform, run))
    })
    const gain = meanOf(gains)
    const error = Math.sqrt(meanOf(gains.map((each) => (each - gain) ** 2)) / (gains.length - 1))
    if (gain > significantErrors * error) return { ...mixed, uniform: chosen }
  }
  return chosen
}

/** The choices with losses as measured on these runs, shrunk towards those of weights of the same kind. */
function priceOf(
  open: readonly OpenWeight[],
  losses: readonly WeightLosses[],
  runs: readonly number[],
): readonly (readonly PricedChoice[])[] {
  const estimated = shrinkLosses(
    new Map(losses.map((each) => [each.name, runs.map((run) => each.runs[run] as number)])),
  )
  return open.map(({ options }, index) => {
    const { name, measured, predicted } = losses[index] as WeightLosses
    const left = [...predicted]
    return options.map((option) => {
      const quotient = option.format === undefined || measured === 0 ? 0 : (left.shift() as number) / measured
      return { ...option, quotient, loss: quotient * (estimated.get(name) as number) }
    })
  })
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

function bestMixture(
  priced: readonly (readonly PricedChoice[])[],
  budget: number,
  bytesOf: ChooseFormatsOptions['bytesOf'],
): ChosenFormats {
  const smallest = priced.map((options) => options.reduce((least, each) => (each.bytes < least.bytes ? each : least)))
  const fixed = bytesOf(smallest) - smallest.reduce((sum, { bytes }) => sum + bytes, 0)
  // Headers and names of types depend a little on the formats.
  for (let room = budget - fixed; ; ) {
    const { choices, loss, lowerBound } = allocate(priced, room)
    const chosen = choices.map((choice, index) => priced[index]?.[choice] as PricedChoice)
    const bytes = bytesOf(chosen)
    if (bytes <= budget) return { choices: chosen, bytes, loss, lowerBound }
    room -= bytes - budget
  }
}

/**
 * For each format, the choices with that format for all weights. A weight that cannot have it gets its largest format of
 * no more bits, or its smallest.
 */
function uniformChoices(
  open: readonly OpenWeight[],
  priced: readonly (readonly PricedChoice[])[],
): readonly (readonly PricedChoice[])[] {
  const elements = open.map(({ weight: { shape } }) => sizeOf(shape))
  const bytesPerElement = new Map<string, number>()
  for (const [index, options] of priced.entries()) {
    for (const option of options) {
      const each = option.bytes / (elements[index] as number)
      bytesPerElement.set(labelOf(option), Math.max(each, bytesPerElement.get(labelOf(option)) ?? 0))
    }
  }
  return [...bytesPerElement].map(([label, most]) =>
    priced.map((options, index) => {
      const own = options.find((option) => labelOf(option) === label)
      if (own) return own
      const rising = options.toSorted((a, b) => a.bytes - b.bytes)
      return (rising.findLast(({ bytes }) => bytes <= most * (elements[index] as number)) ?? rising[0]) as PricedChoice
    }),
  )
}

const labelOf = ({ format }: FormatChoice): string => (format === undefined ? 'as it is' : formatLabel(format))

function lossOf(choices: readonly PricedChoice[]): number {
  return choices.reduce((sum, { loss }) => sum + loss, 0)
}
