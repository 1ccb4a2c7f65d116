import type { DenseSlot, Program, Site, Step } from '../program/index.ts'
import type { Subject } from '../subject/index.ts'

/**
 * A site whose input can be divided by scales without changing the function, so that the columns of its weights can be
 * multiplied.
 */
export interface Merge {
  readonly site: Site
  /**
   * The producer of the input, which absorbs the division: a norm's vectors, or the rows (and the bias) of the linear
   * layer before.
   */
  readonly into:
    | { readonly kind: 'norm'; readonly weight: string; readonly bias: string | undefined; readonly offset: 0 | 1 }
    | { readonly kind: 'rows'; readonly weight: string }
  /**
   * i32[K]: for each column of the input the element of its producer, if several columns share one (heads that share
   * keys and values).
   */
  readonly sources?: Int32Array | undefined
}

/** A site whose input cannot be divided, with the reason. */
export interface Unmerged {
  readonly site: Site
  readonly reason: string
}

/** Finds the producer of each site's input in the recorded steps, so that no table of architectures is needed. */
export function findMerges(
  subject: Subject,
  program: Program,
): { readonly merges: readonly Merge[]; readonly unmerged: readonly Unmerged[] } {
  const merges: Merge[] = []
  const unmerged: Unmerged[] = []
  for (const site of program.sites) {
    const found = mergeOf(subject, program, site)
    if (typeof found === 'string') unmerged.push({ site, reason: found })
    else merges.push(found)
  }
  return { merges, unmerged }
}

function mergeOf(subject: Subject, { steps, weights, vectors }: Program, site: Site): Merge | string {
  const used = new Set(
    [...weights]
      .filter(
        ([memory, name]) =>
          site.linears.includes(name) && steps.some(({ op, inputs }) => op.id !== 'linear' && reads(inputs, memory)),
      )
      .map(([, name]) => name),
  )
  if (used.size > 0) return `${[...used].join(', ')} is no linear layer alone`
  const { memory } = site.input
  const others = steps.filter((step) => reads(step.inputs, memory) && !readsAsInput(step, memory, site, weights))
  const producer = steps.findLast(
    ({ outputs }, index) => index < site.step && Object.values(outputs).some((slot) => slot.memory === memory),
  )
  if (!producer) return 'no step makes its input'
  if (others.length > 0)
    return `${others[0]?.op.id === 'add' || others[0]?.op.id === 'linear' ? 'the residual stream' : others[0]?.op.id} reads its input too`
  switch (producer.op.id) {
    case 'rms-norm':
    case 'layer-norm': {
      const weight = vectorName(producer, 'weight', vectors)
      const bias = vectorName(producer, 'bias', vectors)
      if (weight === undefined) return 'the norm before it has no weight'
      const hasBias = producer.inputs['bias'] !== undefined
      const shared = [producer.inputs['weight'], producer.inputs['bias']].some(
        (slot) => slot?.kind === 'dense' && steps.filter(({ inputs }) => reads(inputs, slot.memory)).length > 1,
      )
      if (shared || (hasBias && bias === undefined)) return 'the norm before it serves other layers too'
      return { site, into: { kind: 'norm', weight, bias, offset: producer.options['unitOffset'] === true ? 1 : 0 } }
    }
    case 'gated-activation':
      return rowsBefore(subject, site, site.name.replace(/\.down$/, '.up'), undefined)
    case 'attention':
      return rowsBefore(subject, site, site.name.replace(/\.output$/, '.value'), headSources(subject))
    default:
      return `its input comes from ${producer.op.id}, which no scale passes`
  }
}

function rowsBefore({ weights }: Subject, site: Site, before: string, sources: Int32Array | undefined): Merge | string {
  const made = weights.get(before)
  const columns = site.input.shape.at(-1) ?? 0
  if (
    before === site.name ||
    !made ||
    made.shape[0] !== (sources ? Math.max(...sources) + 1 : columns) ||
    (sources && sources.length !== columns)
  )
    return `no linear layer of its own makes its input`
  return { site, into: { kind: 'rows', weight: before }, sources }
}

/** Query heads that share keys and values read the same channels of the values. */
function headSources({ config: { numHeads, numKvHeads, headDim } }: Subject): Int32Array {
  const group = numHeads / numKvHeads
  return Int32Array.from(
    { length: numHeads * headDim },
    (_, column) => Math.floor(Math.floor(column / headDim) / group) * headDim + (column % headDim),
  )
}

function reads(inputs: Step['inputs'], memory: number): boolean {
  return Object.values(inputs).some((slot) => slot?.kind === 'dense' && slot.memory === memory)
}

/** Whether a step is one of the site's layers and uses the memory only as the multiplied input. */
function readsAsInput({ op, inputs }: Step, memory: number, { linears }: Site, weights: Program['weights']): boolean {
  const { x, weight, ...others } = inputs
  return (
    op.id === 'linear' &&
    (x as DenseSlot | undefined)?.memory === memory &&
    weight?.kind === 'dense' &&
    linears.includes(weights.get(weight.memory) ?? '') &&
    !reads(others, memory)
  )
}

function vectorName({ inputs }: Step, input: string, vectors: ReadonlyMap<number, string>): string | undefined {
  const slot = inputs[input]
  return slot?.kind === 'dense' ? vectors.get(slot.memory) : undefined
}
