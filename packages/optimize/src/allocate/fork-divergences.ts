import { compareLogits } from '@tessera-llm/evaluation'
import { type Device, lastAxis, type Tensor } from '@tessera-llm/tensor'
import { createStream, type Program, recordModel, type Stream } from '../program/index.ts'
import type { DecoderSubject } from '../subject/index.ts'
import { likelyTokens, rowsOf, withVocabulary } from './likely-tokens.ts'

/** A window that continues with one weight rounded. */
export interface Fork {
  readonly name: string
  /** Number of the window that it was forked from, and its own number. */
  readonly probe: number
  readonly window: number
}

export interface ForkDivergencesOptions {
  readonly device: Device
  readonly subject: DecoderSubject
  readonly program: Program
  /** Stream at the input of the last linear layer, the head. */
  readonly stream: Stream
  readonly forks: readonly Fork[]
  readonly probes: number
  /** Number of most likely tokens of the vocabulary that are compared. */
  readonly words: number
  /** Reads an original weight of the model. */
  readonly read: (name: string) => Promise<Float32Array>
  readonly onFork: () => void
  readonly signal?: AbortSignal | undefined
}

/** Distance between the tokens whose distributions select the most likely tokens. */
const sampledEvery = 4

/**
 * KL divergence from the original after each token, of all probes in order, by name of the weight. Both distributions
 * are restricted to the most likely tokens, so that only a few rows of the head are multiplied; the whole head takes as
 * many operations as half of the layers.
 */
export async function forkDivergences(options: ForkDivergencesOptions): Promise<ReadonlyMap<string, Float64Array>> {
  const { device, subject, program, stream, forks, probes, words, read, onFork, signal } = options
  const site = program.sites.at(-1) as Program['sites'][number]
  const own = program.steps[site.step]?.inputs['weight']
  const columns = lastAxis(site.input.shape)
  const head = await read(site.name)
  const hiddenOf = async (window: number): Promise<Float32Array> => {
    const tensor = stream.tensor(window, site.input)
    const values = await device.read(tensor)
    tensor.dispose()
    return values as Float32Array
  }
  const { tokens: length } = program
  const divergences = new Map(forks.map(({ name }) => [name, new Float64Array(probes * length)]))
  for (let probe = 0; probe < probes; probe++) {
    const hidden = await hiddenOf(probe)
    const every = Math.min(sampledEvery, length)
    const tokens = Int32Array.from({ length: Math.floor(length / every) }, (_, index) => (index + 1) * every - 1)
    const whole = await recordModel(subject, tokens.length)
    const { vocabSize } = subject.config
    const sampled = await headLogits(device, whole, rowsOf(hidden, columns, tokens), async (name) =>
      device.tensor(name === site.name ? head : await read(name), subject.weights.get(name)?.shape ?? []),
    )
    const ids = likelyTokens(sampled, vocabSize, words)
    const small = withVocabulary(subject, ids)
    const restricted = await recordModel(small, length)
    const logitsOf = async (values: Float32Array, rows: Float32Array): Promise<Float32Array> => {
      signal?.throwIfAborted()
      return headLogits(device, restricted, values, async (name) =>
        device.tensor(
          name === site.name ? rows : ((await small.weights.get(name)?.read(signal)) as Float32Array),
          small.weights.get(name)?.shape ?? [],
        ),
      )
    }
    const rows = rowsOf(head, columns, ids)
    const original = await logitsOf(hidden, rows)
    for (const { name, window } of forks.filter((each) => each.probe === probe)) {
      let headRows = rows
      if (name === site.name && own?.kind === 'dense') {
        const rounded = stream.tensor(window, own)
        headRows = rowsOf((await device.read(rounded)) as Float32Array, columns, ids)
        rounded.dispose()
      }
      const compared = await logitsOf(await hiddenOf(window), headRows)
      const divergence = divergences.get(name) as Float64Array
      for (let token = 0; token < length; token++) {
        const [from, to] = [token * ids.length, (token + 1) * ids.length]
        divergence[probe * length + token] = compareLogits(
          original.subarray(from, to),
          compared.subarray(from, to),
          0,
        ).divergence
      }
      onFork()
    }
  }
  return divergences
}

/** Logits from inputs of the head, f32[tokens, columns], by the head and the steps after it. */
async function headLogits(
  device: Device,
  program: Program,
  hidden: Float32Array,
  weight: (name: string) => Promise<Tensor>,
): Promise<Float32Array> {
  const site = program.sites.at(-1) as Program['sites'][number]
  const stream = createStream({ device, program, windows: [], from: site.step, weight })
  try {
    const window = stream.add(new Map([[site.input.memory, device.tensor(hidden, site.input.shape)]]))
    await stream.advance(program.steps.length)
    const logits = stream.tensor(window, program.output)
    const values = await device.read(logits)
    logits.dispose()
    return values as Float32Array
  } finally {
    stream.dispose()
  }
}
