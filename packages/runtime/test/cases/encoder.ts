import { embedding, matmul } from '@tessera-llm/kernels'
import type { Checkpoint } from '@tessera-llm/formats'
import type { Device } from '@tessera-llm/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packSequences } from '../../src/embed/pack-sequences.ts'
import { type Encoder, encoderFamilies } from '../../src/family/index.ts'
import { loadEncoder } from '../../src/load/index.ts'
import { goldenGguf, goldenJson, goldenSafetensors, goldenTensor, largestDifference } from '../support/golden.ts'

interface EncoderGolden {
  readonly tolerance_abs: number
  readonly inputs: {
    readonly len1: number[]
    readonly len9: number[]
    readonly len40: number[]
    readonly batch: number[][]
  }
  readonly token_type_ids?: { readonly len1: number[]; readonly len9: number[]; readonly len40: number[] }
}

/** Supported encoders of `golden/architectures`. */
export const encoders: readonly string[] = ['bert', 'roberta', 'distilbert', 'modernbert']

/** Encoders that also exist as GGUF, where the pooler is missing. */
export const ggufEncoders: readonly string[] = ['bert']
const lengths = ['len1', 'len9', 'len40'] as const

/** Compares the encoders with PyTorch's results, on one device. */
export function describeEncoders(kind: Device['kind'], makeDevice: () => Promise<Device>): void {
  describe(`encoders on ${kind}`, () => encoderCases(kind, makeDevice))
}

function encoderCases(kind: Device['kind'], makeDevice: () => Promise<Device>): void {
  let device: Device
  beforeAll(async () => {
    device = await makeDevice()
  })
  afterAll(() => device.dispose())

  describe.each(encoders)('%s', (name) => {
    const path = `architectures/${name}/`
    const golden = goldenJson<EncoderGolden>(`${path}golden.json`)
    const tolerance = golden.tolerance_abs
    const typesOf = (length: (typeof lengths)[number]): number[][] | undefined =>
      golden.token_type_ids && [golden.token_type_ids[length]]
    let expected: Checkpoint

    const sources = [
      'config.json',
      ...(kind === 'webgpu' ? [] : ['config_v4.json']),
      ...(ggufEncoders.includes(name) ? ['model.gguf'] : []),
    ]
    describe.each(sources)('from %s', (from) => {
      const isGguf = from === 'model.gguf'
      let encoder: Encoder
      beforeAll(async () => {
        expected = await goldenSafetensors(`${path}golden.safetensors`)
        const checkpoint = await (isGguf
          ? goldenGguf(`${path}model.gguf`)
          : goldenSafetensors(`${path}model.safetensors`))
        encoder = await loadEncoder(checkpoint, {
          device,
          packers: [],
          families: encoderFamilies,
          config: isGguf ? undefined : goldenJson(path + from),
        })
      })
      afterAll(() => encoder.dispose())

      it.each(lengths)('gives the last hidden state and the summary of %s', async (length) => {
        const { hidden, summary } = await encode(encoder, [golden.inputs[length]], typesOf(length))
        expect(
          largestDifference(hidden, await goldenTensor(expected, `last_hidden_state.${length}`)).value,
        ).toBeLessThan(tolerance)
        expect(summary !== undefined, 'summary').toBe(!isGguf && expected.tensors.has(`pooler_output.${length}`))
        if (summary)
          expect(
            largestDifference(summary, await goldenTensor(expected, `pooler_output.${length}`)).value,
          ).toBeLessThan(tolerance)
      })

      it('gives the hidden states of len9, layer by layer', async () => {
        const { observed } = await encode(encoder, [golden.inputs.len9], typesOf('len9'))
        expect(
          largestDifference(observed.get('embed') ?? [], await goldenTensor(expected, 'hidden.embed')).value,
        ).toBeLessThan(tolerance)
        for (let layer = 0; layer < encoder.config.numLayers; layer++) {
          const { value } = largestDifference(
            observed.get(`layers.${layer}.output`) ?? [],
            await goldenTensor(expected, `hidden.layer.${layer}`),
          )
          expect(value, `layer ${layer}`).toBeLessThan(tolerance)
        }
      })

      it('gives a batch of equal lengths, with no types, what it gives alone', async () => {
        const { hidden } = await encode(encoder, golden.inputs.batch)
        expect(largestDifference(hidden, await goldenTensor(expected, 'last_hidden_state.batch')).value).toBeLessThan(
          tolerance,
        )
      })

      it('gives sequences of three lengths, one after the other, what PyTorch gives them padded', async () => {
        const sequences = lengths.map((length) => golden.inputs[length])
        const { hidden, means, firsts, summary } = await encode(
          encoder,
          sequences,
          golden.token_type_ids && lengths.map((length) => golden.token_type_ids?.[length] ?? []),
        )
        const padded = await goldenTensor(expected, 'padded.last_hidden_state')
        const { hiddenSize } = encoder.config
        const longest = Math.max(...sequences.map(({ length }) => length))
        const unpadded = sequences.flatMap(({ length }, row) => [
          ...padded.subarray(row * longest * hiddenSize, (row * longest + length) * hiddenSize),
        ])
        expect(largestDifference(hidden, unpadded).value).toBeLessThan(tolerance)
        expect(largestDifference(means, await goldenTensor(expected, 'padded.mean_pooled')).value).toBeLessThan(
          tolerance,
        )
        expect(largestDifference(firsts, await goldenTensor(expected, 'padded.cls')).value).toBeLessThan(tolerance)
        if (summary)
          expect(largestDifference(summary, await goldenTensor(expected, 'padded.pooler_output')).value).toBeLessThan(
            tolerance,
          )
      })

      it('frees what it allocated', async () => {
        const before = device.memory().liveTensors
        await encode(encoder, golden.inputs.batch)
        expect(device.memory().liveTensors).toBe(before)
      })
    })
  })
}

interface Encoded {
  readonly hidden: Float32Array
  readonly observed: Map<string, Float32Array>
  readonly means: Float32Array
  readonly firsts: Float32Array
  readonly summary: Float32Array | undefined
}

async function encode(
  encoder: Encoder,
  sequences: readonly (readonly number[])[],
  types?: readonly (readonly number[])[],
): Promise<Encoded> {
  const { device } = encoder
  const packed = packSequences(device, sequences, types)
  const pending: Promise<void>[] = []
  const observed = new Map<string, Float32Array>()
  const observe = (name: string, tensor: Parameters<Device['read']>[0]): void => {
    pending.push(device.read(tensor).then((values) => void observed.set(name, values as Float32Array)))
  }
  const hidden = encoder.forward(packed, { activations: 'f32', observe })
  const starts = sequences.map((_, index) => sequences.slice(0, index).reduce((sum, { length }) => sum + length, 0))
  const tokens = hidden.shape[0] ?? 0
  const shares = Float32Array.from({ length: sequences.length * tokens }, (_, at) => {
    const [row, column] = [Math.floor(at / tokens), at % tokens]
    const [start, length] = [starts[row] as number, (sequences[row] as readonly number[]).length]
    return column >= start && column < start + length ? 1 / length : 0
  })
  const tensors = {
    firstRows: device.tensor(Int32Array.from(starts), [starts.length]),
    shares: device.tensor(shares, [sequences.length, tokens]),
  }
  const firsts = embedding(tensors.firstRows, hidden)
  const means = matmul(tensors.shares, hidden)
  const summary = encoder.summarize?.(firsts, { activations: 'f32' })
  const read = async (tensor: Parameters<Device['read']>[0]) => (await device.read(tensor)) as Float32Array
  const result = {
    hidden: await read(hidden),
    observed,
    means: await read(means),
    firsts: await read(firsts),
    summary: summary && (await read(summary)),
  }
  await Promise.all(pending)
  for (const tensor of [...Object.values(packed), ...Object.values(tensors), hidden, firsts, means, summary])
    tensor?.dispose()
  return result
}
