import { feedbackCosts, importanceOf } from '@tessera-llm/quantization'
import { type Device, lastAxis, reshape, TesseraError } from '@tessera-llm/tensor'
import { gatherSite } from '../calibration/index.ts'
import { createStream, type Program, recordModel } from '../program/index.ts'
import type { Solver } from '../quantize/index.ts'
import type { WeightFormat } from '../recipe/index.ts'
import type { DecoderSubject } from '../subject/index.ts'
import { compareForks, type Fork } from './compare-forks.ts'
import { type MeasuringWork, measuringWork } from './measuring-work.ts'
import { rounded, type RoundedWeight, roundError, sampleRows } from './round-error.ts'

/** Options of `measureLosses`. */
export interface MeasureLossesOptions {
  readonly device: Device
  /** Windows of token ids, all of the same length; what is known of the inputs of layers is of all of them. */
  readonly windows: readonly (readonly number[])[]
  /** The divergence is measured on so many of the windows, after every token. */
  readonly probes: number
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
  /** KL divergence from the original, nats a token, with the weight rounded to the nearest integers; measured. */
  readonly measured: number
  /** The same for each format, predicted: the measured one times the quotient of the output errors, since it grows with their square. */
  readonly predicted: readonly number[]
}

/** Rows of a weight that formats are compared on. */
const comparedRows = 64
/** Windows that the importance of a tied embedding is taken from. */
const headWindows = 4

/**
 * Measures how much each weight matters, in one pass over the layers: where a weight is read, the windows part into some that go on with
 * the weight as it is and some that go on with it rounded, and at the end the logits of each are compared with the original's. One
 * layer's weights are in memory at a time, and one residual stream for each weight and window.
 *
 * @throws TesseraError `unsupported` for a forward pass that cannot be recorded, `aborted`
 */
export async function measureLosses(
  subject: DecoderSubject,
  options: MeasureLossesOptions,
): Promise<readonly WeightLosses[]> {
  const { device, windows, probes, words, formats, method, tokens, solver, signal, onProgress } = options
  const program = await recordModel(subject, windows[0]?.length ?? 0)
  const { sites } = program
  const head = sites.at(-1) as (typeof sites)[number]
  const work = measuringWork(program)
  const total = totalWork(subject, program, work, options)
  let done = 0
  const advanceBy = (amount: number): void => {
    done += amount
    onProgress?.(Math.min(done, total), total)
  }
  // A weight is wanted where it is rounded and by the steps after that, and a rotated one takes long to read.
  const held = new Map<string, Float32Array>()
  const read = async (name: string): Promise<Float32Array> => {
    const values = held.get(name) ?? (await valuesOf(subject, name, signal))
    held.delete(name)
    return values
  }
  const stream = createStream({
    device,
    program,
    windows,
    weight: async (name) => device.tensor(await read(name), subject.weights.get(name)?.shape ?? []),
    signal,
  })
  const memories = new Map([...program.weights].map(([memory, name]) => [name, memory]))
  const forks: Fork[] = []
  const ratios = new Map<string, readonly number[]>()
  const fork = async (
    name: string,
    importance: Float32Array | undefined,
    costs: Float32Array | undefined,
  ): Promise<void> => {
    signal?.throwIfAborted()
    const shape = subject.weights.get(name)?.shape as readonly [number, number]
    const original: RoundedWeight = { values: await valuesOf(subject, name, signal), shape, importance }
    held.set(name, original.values)
    const sampled = sampleRows(original, comparedRows)
    const { format: coarse, error } = await probe(name, sampled, options)
    const found: number[] = []
    for (const format of formats.get(name) ?? []) {
      const priced = costs ? { ...sampled, importance: costs } : sampled
      found.push(roundError(priced, await rounded(priced, format, solver)) / error)
    }
    ratios.set(name, found)
    const tensor = device.tensor(await rounded(original, coarse, solver), shape)
    for (let index = 0; index < probes; index++) {
      const memory = new Map([[memories.get(name) as number, reshape(tensor, shape)]])
      forks.push({ name, probe: index, window: stream.fork(index, memory) })
    }
    tensor.dispose()
    advanceBy(work.rounded(shape, comparedRows, found.length))
  }
  try {
    if (formats.has('embedding')) {
      const importance = await headImportance(subject, program, options)
      advanceBy(Math.min(windows.length, headWindows) * work.steps(0, head.step))
      await fork('embedding', importance, undefined)
    }
    for (const site of sites) {
      const from = stream.step
      await stream.advance(site.step, () => advanceBy(work.steps(from, site.step)))
      const names = site.linears.filter((name) => formats.has(name) && name !== 'embedding')
      if (names.length === 0) continue
      const products = method === 'gptq'
      const statistics = await gatherSite(device, site, windows.length, stream, { products })
      const costs = products ? feedbackCosts(statistics, { tokens, multiply: solver.multiply }) : undefined
      advanceBy(work.gathered(lastAxis(site.input.shape), windows.length, products))
      for (const name of names) await fork(name, importanceOf(statistics), costs)
    }
    const divergence = await compareForks({
      device,
      subject,
      program,
      stream,
      forks,
      probes,
      words,
      read,
      onFork: () => advanceBy(work.compared(lastAxis(head.input.shape), words)),
      signal,
    })
    return [...ratios].map(([name, found]) => {
      const measured = (divergence.get(name) as number) / probes
      return { name, measured, predicted: found.map((ratio) => ratio * measured) }
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
  }
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
  { sites }: Program,
  work: MeasuringWork,
  { windows, probes, words, formats, method }: MeasureLossesOptions,
): number {
  const head = sites.at(-1) as Program['sites'][number]
  let total = windows.length * work.steps(0, head.step)
  for (const { input, step, linears } of sites) {
    const names = linears.filter((name) => formats.has(name) && name !== 'embedding')
    total += names.length * probes * work.steps(step, head.step)
    if (names.length > 0) total += work.gathered(lastAxis(input.shape), windows.length, method === 'gptq')
  }
  if (formats.has('embedding')) total += (probes + Math.min(windows.length, headWindows)) * work.steps(0, head.step)
  for (const [name, { length }] of formats) total += work.rounded(weights.get(name)?.shape ?? [], comparedRows, length)
  return total + formats.size * probes * work.compared(lastAxis(head.input.shape), words)
}

/** The importance of a tied embedding is that of the head's inputs, known when some windows have gone through all layers; undefined for one that is looked up alone. */
async function headImportance(
  subject: DecoderSubject,
  program: Program,
  { device, windows, signal }: MeasureLossesOptions,
): Promise<Float32Array | undefined> {
  const site = program.sites.find(({ linears }) => linears.includes('embedding'))
  if (!site) return undefined
  const some = windows.slice(0, headWindows)
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
