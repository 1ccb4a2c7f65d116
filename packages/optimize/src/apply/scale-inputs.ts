import type { Device } from '@tessera-llm/tensor'
import { bytesOf, viewBytes } from '@tessera-llm/tensor'
import { gatherSite } from '../calibration/index.ts'
import { createStream, type Program, recordModel, type Site } from '../program/index.ts'
import type { Solver } from '../quantize/index.ts'
import { type AwqStep, matchTargets, type Recipe, type SmoothStep } from '../recipe/index.ts'
import type { WorkStore } from '../store/index.ts'
import type { Subject } from '../subject/index.ts'
import { findMerges, findScales, hasSearchGrid, type Merge, scaleSubject } from '../transform/index.ts'
import type { Assignments } from './assignments.ts'
import type { Estimate } from './estimate.ts'

/** Plan of one scaling step. */
export interface Scaling {
  readonly step: AwqStep | SmoothStep
  readonly merges: readonly Merge[]
  /** Inputs that the step targets but cannot scale, as sentences. */
  readonly notes: readonly string[]
}

/** Plans the scaling steps of a recipe from the recorded forward pass. */
export function planScalings(
  subject: Subject,
  program: Program,
  recipe: Recipe,
  assignments: Assignments,
): readonly Scaling[] {
  const { merges, unmerged } = findMerges(subject, program)
  return recipe.steps.flatMap((step): Scaling[] => {
    if (step.kind !== 'awq' && step.kind !== 'smooth') return []
    const names = new Set(
      step.targets === undefined ? assignments.keys() : matchTargets(step.targets, [...subject.weights.keys()]),
    )
    const isMeant = ({ site }: Pick<Merge, 'site'>): boolean =>
      site.linears.some((name) => names.has(name) && assignments.has(name))
    const meant = merges.filter(isMeant)
    const searchable = meant.filter(
      ({ site }) =>
        step.kind === 'smooth' || site.linears.every((name) => hasSearchGrid(assignments.get(name)?.format ?? 'q8_0')),
    )
    const reasons = [
      ...unmerged.filter(isMeant),
      ...meant
        .filter((merge) => !searchable.includes(merge))
        .map(({ site }) => ({ site, reason: 'scales are searched for integers, not for its format' })),
    ]
    return [{ step, merges: searchable, notes: notesOf(step.kind, reasons) }]
  })
}

/** One sentence for each reason, with an example. */
function notesOf(
  kind: string,
  reasons: readonly { readonly site: { readonly name: string }; readonly reason: string }[],
): readonly string[] {
  const byReason = new Map<string, string[]>()
  for (const { site, reason } of reasons) byReason.set(reason, [...(byReason.get(reason) ?? []), site.name])
  return [...byReason].map(
    ([reason, names]) =>
      `${kind}: the input of ${names[0]}${names.length > 1 ? ` and of ${names.length - 1} others` : ''} is not scaled, because ${reason}`,
  )
}

/** Sites of each scaling step whose scales are not found yet. */
export async function pendingSites(
  scalings: readonly Scaling[],
  store: WorkStore,
): Promise<readonly (readonly Site[])[]> {
  return Promise.all(
    scalings.map(async ({ merges }, index) => {
      const pending: Site[] = []
      for (const { site } of merges) if (!(await store.get(keyOf(index, site)))) pending.push(site)
      return pending
    }),
  )
}

function keyOf(index: number, { name }: Site): string {
  return `scales.${index}.${name}`
}

export interface ScaleOptions {
  readonly device: Device
  readonly windows: readonly (readonly number[])[]
  readonly store: WorkStore
  readonly solver: Solver
  readonly estimate: Estimate
  readonly signal: AbortSignal | undefined
}

/**
 * Executes the scaling steps in order. Each takes one pass over the text through the uncompressed model with the scales
 * of the steps before.
 */
export async function scaleInputs(
  original: Subject,
  scalings: readonly Scaling[],
  assignments: Assignments,
  { device, windows, store, solver, estimate, signal }: ScaleOptions,
): Promise<Subject> {
  let subject = original
  for (const [index, { step, merges }] of scalings.entries()) {
    const now = subject
    const program = await recordModel(now, windows[0]?.length ?? 0)
    const stream = createStream({
      device,
      program,
      windows,
      signal,
      weight: async (name) =>
        device.tensor((await now.weights.get(name)?.read(signal)) as Float32Array, now.weights.get(name)?.shape ?? []),
    })
    try {
      for (const merge of merges) {
        if (await store.get(keyOf(index, merge.site))) continue
        const { site, sources } = merge
        const from = stream.step
        await stream.advance(site.step, () => estimate.advanced(site.name, from, site.step))
        const statistics = await gatherSite(device, site, windows.length, stream, {
          products: step.kind === 'awq',
          onWindow: () => estimate.gathered(site, true),
        })
        const rounded = site.linears.filter((name) => assignments.has(name))
        const weights = await Promise.all(
          rounded.map(async (name) => ({
            values: (await now.weights.get(name)?.read(signal)) as Float32Array,
            shape: now.weights.get(name)?.shape as readonly [number, number],
          })),
        )
        const format = assignments.get(rounded[0] as string)?.format ?? 'q8_0'
        await store.put(
          keyOf(index, merge.site),
          bytesOf(findScales(step, weights, statistics, format, sources, solver.multiply)),
        )
        estimate.scaled(site)
      }
    } finally {
      stream.dispose()
    }
    const scaled = await Promise.all(
      merges.map(async (merge) => ({
        merge,
        scales: viewBytes(((await store.get(keyOf(index, merge.site))) as Uint8Array).slice(), 'f32') as Float32Array,
      })),
    )
    subject = scaleSubject(now, scaled)
  }
  return subject
}
