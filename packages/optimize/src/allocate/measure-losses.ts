import { feedbackCosts, importanceOf, type LinearStatistics } from '@tessera-llm/quantization'
import { type Device, lastAxis, reshape, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { gatherSite } from '../calibration/index.ts'
import { createStream, type Program, recordModel, type Site } from '../program/index.ts'
import type { Solver } from '../quantize/index.ts'
import type { WeightFormat } from '../recipe/index.ts'
import type { DecoderSubject } from '../subject/index.ts'
import { compareForks, type Fork } from './compare-forks.ts'
import { measuringWork } from './measuring-work.ts'
import { optimized, rounded, type RoundedWeight, roundError, sampleRows } from './round-error.ts'
import { meanOf, meansOfRuns } from './shrink-losses.ts'

/** Options of `measureLosses`. */
export interface MeasureLossesOptions {
  readonly device: Device
  /** Windows of token ids that tell of the inputs of layers, all of the length that the method will be calibrated on. */
  readonly windows: readonly (readonly number[])[]
  /**
   * Windows that the divergence is measured on, after every token, all of the same length. Others than `windows`: what GPTQ was calibrated
   * on it loses too little of.
   */
  readonly probes: readonly (readonly number[])[]
  /** … between the distributions over so many words of the vocabulary, the likely ones. */
  readonly words: number
  /** Bits of the integers in groups of 32 that a weight is rounded to while its divergence is measured. */
  readonly bits: 2 | 3 | 4
  /** The formats that are asked about, for each weight by name. */
  readonly formats: ReadonlyMap<string, readonly WeightFormat[]>
  /**
   * How weights will be rounded, embeddings aside: `gptq` makes up for a part of what rounding to nearest loses, and for more in some
   * layers than in others.
   */
  readonly method: 'gptq' | 'rtn'
  /** Tokens that GPTQ will be calibrated on, more than these windows have. */
  readonly tokens: number
  readonly solver: Solver
  readonly signal?: AbortSignal | undefined
  /** In proportion to time, to a factor of two. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** What rounding one weight costs while all others stay as they are. */
export interface WeightLosses {
  readonly name: string
  /** KL divergence from the original, nats a token, with the weight rounded to integers by the method; measured. */
  readonly measured: number
  /** The same for runs of tokens that follow each other, in order: their mean is `measured`. */
  readonly runs: readonly number[]
  /** The same for each format, predicted: the measured one times the quotient of the output errors, since it grows with their square. */
  readonly predicted: readonly number[]
}

/** Rows of a weight that formats are compared on. */
const comparedRows = 64
/** Runs of tokens that a window's divergence is told of: so many as noise can be told from, of so many tokens that they differ like windows. */
const runsOfProbe = 8
/** Tokens of windows that the importance of a tied embedding is taken from, at least one window. */
const headTokens = 512

/**
 * Measures how much each weight matters, in one pass over the layers: where a weight is read, the probes part into some that go on with
 * the weight as it is and some that go on with it rounded, and at the end the logits of each are compared with the original's. Rounding is
 * done by the method itself: what GPTQ leaves of an error is another share of it in each kind of layer. One layer's weights are in memory
 * at a time, and one residual stream for each weight and window.
 *
 * @throws TesseraError `unsupported` for a forward pass that cannot be recorded, `aborted`
 */
export async function measureLosses(
  subject: DecoderSubject,
  options: MeasureLossesOptions,
): Promise<readonly WeightLosses[]> {
  const { device, windows, probes, words, formats, method, tokens, solver, signal, onProgress } = options
  const known = await recordModel(subject, windows[0]?.length ?? 0)
  const program = await recordModel(subject, probes[0]?.length ?? 0)
  const { sites } = program
  const head = sites.at(-1) as Site
  const namesOf = ({ linears }: Site): readonly string[] => roundedNames(linears, formats)
  const last = sites.findLastIndex((site) => namesOf(site).length > 0)
  const work = { known: measuringWork(known), probes: measuringWork(program) }
  const total = totalWork(subject, known, program, options)
  let done = 0
  const advanceBy = (amount: number): void => {
    done += amount
    onProgress?.(Math.min(done, total), total)
  }
  // A weight is wanted where it is rounded and by both streams after that, and a rotated one takes long to read.
  const held = new Map<string, { readonly values: Float32Array; left: number }>()
  const hold = async (name: string): Promise<Float32Array> => {
    const values = held.get(name)?.values ?? (await valuesOf(subject, name, signal))
    held.set(name, { values, left: 2 })
    return values
  }
  const read = async (name: string): Promise<Float32Array> => {
    const values = held.get(name)?.values ?? (await hold(name))
    const entry = held.get(name)
    if (entry && --entry.left === 0) held.delete(name)
    return values
  }
  const weight = async (name: string): Promise<Tensor> =>
    device.tensor(await read(name), subject.weights.get(name)?.shape ?? [])
  const inputs = createStream({ device, program: known, windows, weight, signal })
  const stream = createStream({ device, program, windows: probes, weight, signal })
  const memories = new Map([...program.weights].map(([memory, name]) => [name, memory]))
  const forks: Fork[] = []
  const ratios = new Map<string, readonly number[]>()
  const fork = async (
    name: string,
    importance: Float32Array | undefined,
    statistics: LinearStatistics | undefined,
    costs: Float32Array | undefined,
  ): Promise<void> => {
    signal?.throwIfAborted()
    const shape = subject.weights.get(name)?.shape as readonly [number, number]
    const original: RoundedWeight = { values: await hold(name), shape, importance }
    const sampled = sampleRows({ ...original, importance: costs ?? importance }, comparedRows)
    const { format: coarse, error } = await probe(name, sampled, options)
    const found: number[] = []
    for (const format of formats.get(name) ?? [])
      found.push(roundError(sampled, await rounded(sampled, format, solver)) / error)
    ratios.set(name, found)
    const values = statistics
      ? await optimized(original, coarse, statistics, solver)
      : await rounded(original, coarse, solver)
    const tensor = device.tensor(values, shape)
    for (const index of probes.keys()) {
      const memory = new Map([[memories.get(name) as number, reshape(tensor, shape)]])
      forks.push({ name, probe: index, window: stream.fork(index, memory) })
    }
    tensor.dispose()
    advanceBy(work.probes.rounded(shape, comparedRows, found.length, statistics !== undefined))
  }
  try {
    if (formats.has('embedding')) {
      const importance = await headImportance(subject, known, options)
      advanceBy(headWindows(options) * work.known.steps(0, (known.sites.at(-1) as Site).step))
      await fork('embedding', importance, undefined, undefined)
    }
    for (const [index, site] of sites.entries()) {
      const from = stream.step
      await stream.advance(site.step, () => advanceBy(work.probes.steps(from, site.step)))
      if (index > last) continue
      const same = known.sites[index] as Site
      const before = inputs.step
      await inputs.advance(same.step, () => advanceBy(work.known.steps(before, same.step)))
      const names = namesOf(site)
      if (names.length === 0) continue
      const products = method === 'gptq'
      const statistics = await gatherSite(device, same, windows.length, inputs, { products })
      const costs = products ? feedbackCosts(statistics, { tokens, multiply: solver.multiply }) : undefined
      advanceBy(work.known.gathered(lastAxis(site.input.shape), windows.length, products))
      for (const name of names) await fork(name, importanceOf(statistics), products ? statistics : undefined, costs)
    }
    const divergence = await compareForks({
      device,
      subject,
      program,
      stream,
      forks,
      probes: probes.length,
      words,
      read,
      onFork: () => advanceBy(work.probes.compared(lastAxis(head.input.shape), words)),
      signal,
    })
    return [...ratios].map(([name, found]) => {
      const tokens = divergence.get(name) as Float64Array
      const runs = meansOfRuns(tokens, Math.min(tokens.length, probes.length * runsOfProbe))
      const measured = meanOf(runs)
      return { name, measured, runs, predicted: found.map((ratio) => ratio * measured) }
    })
  } catch (error) {
    if (signal?.aborted)
      throw new TesseraError(
        'aborted',
        `budget: aborted by the caller after ${ratios.size} of ${formats.size} weights were rounded`,
        { cause: error },
      )
    throw error
  } finally {
    stream.dispose()
    inputs.dispose()
  }
}

/** The weights of a site that are rounded by what it reads; the embedding has a way of its own. */
function roundedNames(linears: Site['linears'], formats: MeasureLossesOptions['formats']): readonly string[] {
  return linears.filter((name) => formats.has(name) && name !== 'embedding')
}

/** Windows that the importance of a tied embedding is taken from. */
function headWindows({ windows }: MeasureLossesOptions): number {
  return Math.min(windows.length, Math.max(1, Math.floor(headTokens / (windows[0]?.length ?? 1))))
}

async function valuesOf(
  { weights }: DecoderSubject,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const found = weights.get(name)
  if (!found) throw new TesseraError('invalid-file', `budget: the weight ${name} is missing`)
  return found.read(signal)
}

function totalWork(
  { weights }: DecoderSubject,
  known: Program,
  program: Program,
  options: MeasureLossesOptions,
): number {
  const { windows, probes, words, formats, method } = options
  const work = { known: measuringWork(known), probes: measuringWork(program) }
  const isSwept = (name: string): boolean => method === 'gptq' && name !== 'embedding'
  const head = program.sites.at(-1) as Site
  let total = probes.length * work.probes.steps(0, head.step)
  let inputs = 0
  for (const [index, { input, step, linears }] of program.sites.entries()) {
    const names = roundedNames(linears, formats)
    if (names.length === 0) continue
    inputs = (known.sites[index] as Site).step
    total += names.length * probes.length * work.probes.steps(step, head.step)
    total += work.known.gathered(lastAxis(input.shape), windows.length, method === 'gptq')
  }
  total += windows.length * work.known.steps(0, inputs)
  if (formats.has('embedding'))
    total +=
      probes.length * work.probes.steps(0, head.step) +
      headWindows(options) * work.known.steps(0, (known.sites.at(-1) as Site).step)
  for (const [name, { length }] of formats)
    total += work.probes.rounded(weights.get(name)?.shape ?? [], comparedRows, length, isSwept(name))
  return total + formats.size * probes.length * work.probes.compared(lastAxis(head.input.shape), words)
}

/** The importance of a tied embedding is that of the head's inputs, known when some windows have gone through all layers; undefined for one that is looked up alone. */
async function headImportance(
  subject: DecoderSubject,
  program: Program,
  options: MeasureLossesOptions,
): Promise<Float32Array | undefined> {
  const { device, windows, signal } = options
  const site = program.sites.find(({ linears }) => linears.includes('embedding'))
  if (!site) return undefined
  const some = windows.slice(0, headWindows(options))
  const stream = createStream({
    device,
    program,
    windows: some,
    signal,
    weight: async (name) =>
      device.tensor(await valuesOf(subject, name, signal), subject.weights.get(name)?.shape ?? []),
  })
  try {
    await stream.advance(site.step)
    return importanceOf(await gatherSite(device, site, some.length, stream, { products: false }))
  } finally {
    stream.dispose()
  }
}

/** The integers that the weight is rounded to, of fewer bits where it lies on their grid already, and the error of that. */
async function probe(
  name: string,
  sampled: RoundedWeight,
  { bits, solver }: MeasureLossesOptions,
): Promise<{ readonly format: WeightFormat; readonly error: number }> {
  for (const fewer of ([4, 3, 2] as const).filter((each) => each <= bits)) {
    const format = { bits: fewer, group: 32, symmetric: true } as const
    const error = roundError(sampled, await rounded(sampled, format, solver))
    if (error > 0) return { format, error }
  }
  throw new TesseraError(
    'unsupported',
    `budget: ${name} lies on a grid of 2 bits already, so that rounding it says nothing; leave it out of the targets`,
  )
}
