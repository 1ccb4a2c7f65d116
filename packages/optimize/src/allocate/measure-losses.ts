import { compareLogits } from '@tessera-llm/evaluation'
import { importanceOf } from '@tessera-llm/quantization'
import { type Device, lastAxis, reshape, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { gatherSite } from '../calibration/index.ts'
import { createStream, type Program, recordModel, type Stream } from '../program/index.ts'
import type { Solver } from '../quantize/index.ts'
import type { WeightFormat } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { rounded, type RoundedWeight, roundError, sampleRows } from './round-error.ts'

export interface MeasureLossesOptions {
  readonly device: Device
  /** Windows of token ids, all of the same length; importances are of all of them. */
  readonly windows: readonly (readonly number[])[]
  /** The divergence is measured on so many of the windows. */
  readonly probes: number
  /** … after every so many tokens. */
  readonly every: number
  /** Bits of the integers in groups of 32 that a weight is rounded to while its divergence is measured. */
  readonly bits: 2 | 3 | 4
  /** The formats that are asked about, for each weight by name. */
  readonly formats: ReadonlyMap<string, readonly WeightFormat[]>
  readonly solver: Solver
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** What rounding one weight costs while all others stay as they are. */
export interface WeightLosses {
  readonly name: string
  /** KL divergence from the original, nats a token, with the weight rounded to integers; measured. */
  readonly measured: number
  /** The same for each format, predicted: the measured one times the quotient of the formats' output errors, since it grows with their square. */
  readonly predicted: readonly number[]
}

/** Rows of a weight that formats are compared on. */
const comparedRows = 64

/**
 * Measures how much each weight matters, in one pass over the layers: where a weight is read, the windows part into some that go on with
 * the weight as it is and some that go on with it rounded, and at the end the logits of each are compared with the original's. One
 * layer's weights are in memory at a time, and one residual stream for each weight and window.
 *
 * @throws TesseraError `unsupported` for a forward pass that cannot be recorded, `aborted`
 */
export async function measureLosses(subject: Subject, options: MeasureLossesOptions): Promise<readonly WeightLosses[]> {
  const { device, windows, probes, every, formats, solver, signal, onProgress } = options
  const window = windows[0]?.length ?? 0
  const program = await recordModel(subject, window)
  const weight = async (name: string): Promise<Tensor> =>
    device.tensor(await valuesOf(subject, name, signal), subject.weights.get(name)?.shape ?? [])
  const stream = createStream({ device, program, windows, weight, signal })
  const memories = new Map([...program.weights].map(([memory, name]) => [name, memory]))
  const forks: Fork[] = []
  const losses = new Map<string, Omit<WeightLosses, 'measured'>>()
  const total = program.sites.length + formats.size * probes
  let done = 0
  const fork = async (name: string, importance: Float32Array | undefined): Promise<void> => {
    signal?.throwIfAborted()
    const shape = subject.weights.get(name)?.shape as readonly [number, number]
    const original: RoundedWeight = { values: await valuesOf(subject, name, signal), shape, importance }
    const sampled = sampleRows(original, comparedRows)
    const { format: coarse, error } = await probe(name, sampled, options)
    const predicted: number[] = []
    for (const format of formats.get(name) ?? [])
      predicted.push(roundError(sampled, await rounded(sampled, format, solver)) / error)
    losses.set(name, { name, predicted })
    const values = await rounded(original, coarse, solver)
    const tensor = device.tensor(values, shape)
    for (let index = 0; index < probes; index++)
      forks.push({
        name,
        probe: index,
        window: stream.fork(index, new Map([[memories.get(name) as number, reshape(tensor, shape)]])),
      })
    tensor.dispose()
  }
  try {
    if (formats.has('embedding')) await fork('embedding', await headImportance(subject, program, options))
    for (const site of program.sites) {
      await stream.advance(site.step)
      const names = site.linears.filter((name) => formats.has(name) && !losses.has(name))
      const importance =
        names.length > 0
          ? importanceOf(await gatherSite(device, site, windows.length, stream, { products: false }))
          : undefined
      for (const name of names) await fork(name, importance)
      onProgress?.(++done, total)
    }
    const divergence = await compareForks({
      subject,
      device,
      program,
      stream,
      forks,
      probes,
      every,
      weight,
      visit: () => onProgress?.(++done, total),
      signal,
    })
    return [...losses.values()].map(({ name, predicted }) => {
      const measured = (divergence.get(name) as number) / probes
      return { name, measured, predicted: predicted.map((ratio) => ratio * measured) }
    })
  } catch (error) {
    if (signal?.aborted)
      throw new TesseraError(
        'aborted',
        `budget: aborted by the caller after ${losses.size} of ${formats.size} weights were rounded`,
        { cause: error },
      )
    throw error
  } finally {
    stream.dispose()
  }
}

/** The importance of a tied embedding is that of the head's inputs, known when the windows have gone through all layers; undefined for one that is looked up alone. */
async function headImportance(
  subject: Subject,
  program: Program,
  { device, windows, signal }: MeasureLossesOptions,
): Promise<Float32Array | undefined> {
  const site = program.sites.find(({ linears }) => linears.includes('embedding'))
  if (!site) return undefined
  const stream = createStream({
    device,
    program,
    windows,
    signal,
    weight: async (name) =>
      device.tensor(await valuesOf(subject, name, signal), subject.weights.get(name)?.shape ?? []),
  })
  try {
    await stream.advance(site.step)
    return importanceOf(await gatherSite(device, site, windows.length, stream, { products: false }))
  } finally {
    stream.dispose()
  }
}

interface Fork {
  readonly name: string
  /** The window that it parted from, and its own number. */
  readonly probe: number
  readonly window: number
}

async function valuesOf({ weights }: Subject, name: string, signal: AbortSignal | undefined): Promise<Float32Array> {
  const found = weights.get(name)
  if (!found) throw new TesseraError('invalid-file', `budget: the weight ${name} is missing`)
  return found.read(signal)
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

interface Comparison extends Pick<MeasureLossesOptions, 'device' | 'probes' | 'every' | 'signal'> {
  readonly subject: Subject
  readonly program: Program
  readonly stream: Stream
  readonly forks: readonly Fork[]
  weight(name: string): Promise<Tensor>
  visit(): void
}

/** Mean divergence over the compared tokens, summed over probes, by name. The head is computed for those tokens alone. */
async function compareForks({
  subject,
  device,
  program,
  stream,
  forks,
  probes,
  every,
  weight,
  visit,
  signal,
}: Comparison): Promise<ReadonlyMap<string, number>> {
  const site = program.sites.at(-1) as Program['sites'][number]
  const tokens = Math.floor(program.tokens / every)
  const columns = lastAxis(site.input.shape)
  const tail = await recordModel(subject, tokens)
  const input = tail.sites.at(-1) as Program['sites'][number]
  const own = program.steps[site.step]?.inputs['weight']
  const head = await weight(site.name)
  const logitsOf = async (window: number, rounds: boolean): Promise<Float32Array> => {
    signal?.throwIfAborted()
    const all = stream.tensor(window, site.input)
    const hidden = await device.read(all)
    all.dispose()
    const picked = new Float32Array(tokens * columns)
    for (let token = 0; token < tokens; token++)
      picked.set(
        (hidden as Float32Array).subarray(((token + 1) * every - 1) * columns, (token + 1) * every * columns),
        token * columns,
      )
    const rest = createStream({
      device,
      program: tail,
      windows: [],
      from: input.step,
      signal,
      weight: async (name) =>
        name !== site.name
          ? weight(name)
          : rounds && own?.kind === 'dense'
            ? stream.tensor(window, own)
            : reshape(head, head.shape),
    })
    try {
      const only = rest.add(new Map([[input.input.memory, device.tensor(picked, [tokens, columns])]]))
      await rest.advance(tail.steps.length)
      const logits = rest.tensor(only, tail.output)
      const values = await device.read(logits)
      logits.dispose()
      return values as Float32Array
    } finally {
      rest.dispose()
    }
  }
  try {
    const sums = new Map<string, number>()
    for (let index = 0; index < probes; index++) {
      const original = await logitsOf(index, false)
      const vocabulary = original.length / tokens
      for (const { name, window } of forks.filter((each) => each.probe === index)) {
        const compared = await logitsOf(window, name === site.name)
        let sum = 0
        for (let from = 0; from < original.length; from += vocabulary)
          sum += compareLogits(
            original.subarray(from, from + vocabulary),
            compared.subarray(from, from + vocabulary),
            0,
          ).divergence
        sums.set(name, (sums.get(name) ?? 0) + sum / tokens)
        visit()
      }
    }
    return sums
  } finally {
    head.dispose()
  }
}
