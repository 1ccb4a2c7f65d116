import { feedbackCosts, importanceOf, type LinearStatistics } from '@tessera-llm/quantization'
import { type Device, lastAxis, reshape, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { gatherSite } from '../calibration/index.ts'
import { createStream, type Program, recordModel, type Site } from '../program/index.ts'
import type { Solver } from '../quantize/index.ts'
import type { WeightFormat } from '../recipe/index.ts'
import type { DecoderSubject } from '../subject/index.ts'
import { forkDivergences, type Fork } from './fork-divergences.ts'
import { measuringWork } from './measuring-work.ts'
import { optimized, rounded, type RoundedWeight, roundError, sampleRows } from './round-error.ts'
import { meanOf, meansOfRuns } from './shrink-losses.ts'

/** Options of `measureLosses`. */
export interface MeasureLossesOptions {
  readonly device: Device
  /** Windows of token ids for the statistics of inputs, all of the length on which the method will be calibrated. */
  readonly windows: readonly (readonly number[])[]
  /**
   * Windows on which the divergence is measured, after every token, all of one length. They must differ from `windows`:
   * on its own calibration text GPTQ loses less.
   */
  readonly probes: readonly (readonly number[])[]
  /** Number of most likely tokens of the vocabulary, between whose distributions the divergence is measured. */
  readonly words: number
  /** Bits of the integers in groups of 32 to which a weight is rounded while its divergence is measured. */
  readonly bits: 2 | 3 | 4
  /** Formats to predict for each weight, by name. */
  readonly formats: ReadonlyMap<string, readonly WeightFormat[]>
  /**
   * Method that will round the weights, except embeddings. GPTQ compensates part of the error of rounding to nearest,
   * and more in some layers than in others.
   */
  readonly method: 'gptq' | 'rtn'
  /** Number of tokens on which GPTQ will be calibrated, more than in `windows`. */
  readonly tokens: number
  readonly solver: Solver
  readonly signal?: AbortSignal | undefined
  /** Proportional to time within a factor of two. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** Loss by rounding one weight while all others are unchanged. */
export interface WeightLosses {
  readonly name: string
  /** Measured KL divergence from the original, nats a token, with the weight rounded to integers by the method. */
  readonly measured: number
  /** The divergence on consecutive runs of tokens; their mean is `measured`. */
  readonly runs: readonly number[]
  /** Predicted divergence for each format: the measured one times the ratio of the squared output errors. */
  readonly predicted: readonly number[]
}

/** Number of rows of a weight on which formats are compared. */
const comparedRows = 64
/**
 * Number of runs into which a window's tokens are divided: enough to estimate the noise, each long enough to vary like
 * windows.
 */
const runsOfProbe = 8
/** Number of tokens for the importance of a tied embedding, at least one window. */
const headTokens = 512

/**
 * Measures the loss of each weight in one pass over the layers. At the input of a weight, each probe is forked into one
 * window that continues with the original weight and one that continues with the rounded weight; at the end, the logits
 * of both are compared. The method itself rounds, because the share of an error that GPTQ leaves differs between kinds
 * of layers. Memory holds one layer's weights, and one residual stream for each weight and window.
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
  // A weight is needed for rounding and then by both streams, and reading a rotated one takes long.
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
    const divergence = await forkDivergences({
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

/** The weights of a site that are rounded with its statistics; the embedding is handled separately. */
function roundedNames(linears: Site['linears'], formats: MeasureLossesOptions['formats']): readonly string[] {
  return linears.filter((name) => formats.has(name) && name !== 'embedding')
}

/** Number of windows for the importance of a tied embedding. */
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

/**
 * Importance of a tied embedding, which is that of the head's inputs, after some windows have passed all layers;
 * undefined for an untied one.
 */
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

/**
 * The integer format to which the weight is rounded, and its error; of fewer bits if the weight is on that grid
 * already.
 */
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
