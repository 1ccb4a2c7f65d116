import { describeProblem, lastAxis, sizeOf } from '@tessera-llm/tensor'
import type { Program, Site, Step } from '../program/index.ts'
import { needsSecondMoment } from '../quantize/index.ts'
import type { QuantizeStep } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import type { ApplyProgress } from './apply-recipe.ts'
import type { Assignments } from './assignments.ts'

/**
 * Progress of a run, in floating-point operations of the device's matrix product. Other work is converted by measured
 * ratios of time.
 */
export interface Estimate {
  readonly total: number
  isDone(name: string): boolean
  /** Reports that one window has advanced from one step to another. */
  advanced(what: string, from: number, to: number): void
  /** Reports that one window's statistics were gathered; with `isScaling`, of the uncompressed model only. */
  gathered(site: Site, isScaling?: boolean): void
  quantized(name: string): void
  /** Reports that the scales of one input were found. */
  scaled(site: Site): void
}

export interface EstimateOptions {
  readonly subject: Subject
  readonly assignments: Assignments
  /** Weights whose steps need statistics of their inputs. */
  readonly calibrated: ReadonlySet<string>
  readonly program: Program | undefined
  readonly windows: number
  /** Sites whose inputs each scaling step will scale, without those that are done. */
  readonly scalings?: readonly (readonly Site[])[] | undefined
  isDone(name: string): boolean
  readonly onProgress: ((progress: ApplyProgress) => void) | undefined
}

/**
 * Time of one operation of GPTQ, in operations of the device's product: onto blocks, and onto grids that the device
 * sweeps; measured on two cores.
 */
const solverFactors = { blocks: 12, device: 5 } as const
/** Number of exponents that are tried for scales; each takes one rounding without a search. */
const searchPasses = 10
/** Time of rounding one weight to nearest, in operations of the device's product. */
const roundingOperations = 1500

export function createEstimate({
  subject,
  assignments,
  calibrated: needed,
  program,
  windows,
  scalings = [],
  isDone,
  onProgress,
}: EstimateOptions): Estimate {
  const flops = program ? program.steps.map(flopsOf) : []
  const sites = program?.sites.filter(({ linears }) => linears.some((name) => needed.has(name) && !isDone(name))) ?? []
  const streams = [...assignments.values()].some(({ correct }) => correct) ? 2 : 1
  const between = (from: number, to: number): number => flops.slice(from, to).reduce((sum, value) => sum + value, 0)
  const needsProducts = ({ linears }: Site): boolean =>
    linears.some((name) => needed.has(name) && needsSecondMoment(assignments.get(name) as QuantizeStep))
  // Half of the second moment is computed and mirrored; sums alone take negligible time.
  const gathering = (site: Site, isScaling = false): number => {
    const products = isScaling ? 1 / 2 : needsProducts(site) ? streams - 1 / 2 : 0
    return (1 + 2 * products * lastAxis(site.input.shape)) * sizeOf(site.input.shape)
  }
  const quantizing = (name: string): number =>
    costOf(subject.weights.get(name)?.shape ?? [], assignments.get(name) as QuantizeStep)
  let total = [...assignments.keys()].filter((name) => !isDone(name)).reduce((sum, name) => sum + quantizing(name), 0)
  for (const site of sites) total += windows * gathering(site)
  const last = sites.at(-1)
  if (last) total += windows * streams * between(0, last.step)
  const searching = ({ linears }: Site): number =>
    searchPasses *
    linears.reduce((sum, name) => sum + roundingOperations * sizeOf(subject.weights.get(name)?.shape ?? []), 0)
  for (const pass of scalings) {
    for (const site of pass) total += windows * gathering(site, true) + searching(site)
    total += windows * between(0, pass.at(-1)?.step ?? 0)
  }
  let done = 0
  const add = (what: string, amount: number): void => {
    done += amount
    onProgress?.({ what, done: Math.min(done, total), total })
  }
  return {
    total,
    isDone,
    advanced: (what, from, to) => add(what, between(from, to)),
    gathered: (site, isScaling = false) => add(site.name, gathering(site, isScaling)),
    quantized: (name) => add(name, quantizing(name)),
    scaled: (site) => add(site.name, searching(site)),
  }
}

function flopsOf({ op, options, inputs }: Step): number {
  return op.cost(describeProblem(op, inputs, options)).flops
}

function costOf([rows = 0, columns = 0]: readonly number[], { method, format }: QuantizeStep): number {
  const rounding = roundingOperations * rows * columns
  const factor = solverFactors[typeof format === 'string' ? 'blocks' : 'device']
  return method === 'gptq' ? rounding + factor * (2 * rows * columns ** 2 + (2 * columns ** 3) / 3) : rounding
}
