import { denseCache } from '@tessera-llm/attention'
import type { Checkpoint } from '@tessera-llm/formats'
import { ggmlPackers } from '@tessera-llm/quantization'
import type { Device } from '@tessera-llm/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cacheLayersOf, decoderFamilies, uploadStep } from '../../src/family/index.ts'
import type { LanguageModel } from '../../src/family/model.ts'
import { loadModel } from '../../src/load/index.ts'
import { createSession } from '../../src/session/index.ts'
import { goldenGguf, goldenJson, goldenSafetensors, goldenTensor, largestDifference } from '../support/golden.ts'

interface ArchitectureGolden {
  readonly tolerance_abs: number
  readonly inputs: {
    readonly len1: number[]
    readonly len9: number[]
    readonly len40: number[]
    readonly batch: number[][]
  }
  readonly greedy: { readonly tokens: number[] }
}

const defaultActivations = { reference: 'f32', wasm: 'int8', webgpu: 'f32' } as const

/** File formats of a model: GGUF, or safetensors with the config.json of transformers 5 or 4. */
type Source = 'gguf' | 'config.json' | 'config_v4.json'
const folder: readonly Source[] = ['config.json', 'config_v4.json']

/** Supported decoders of `golden/architectures`, each with the formats that it exists in. */
export const decoders: readonly (readonly [name: string, sources: readonly Source[]])[] = [
  ['llama', ['gguf', ...folder]],
  ['llama_rope3', ['gguf', ...folder]],
  ['mistral', folder],
  ['qwen2', ['gguf', ...folder]],
  ['qwen3', folder],
  ['phi3', folder],
  ['phi3_longrope', ['gguf', ...folder]],
  ['granite', ['gguf', ...folder]],
  ['smollm3', folder],
  ['stablelm', ['gguf', ...folder]],
  ['olmo2', ['gguf', ...folder]],
  ['gemma', ['gguf', ...folder]],
  ['gemma2', ['gguf', ...folder]],
  ['gemma3', ['gguf', ...folder]],
  ['gpt2', ['gguf', ...folder]],
  ['gpt_neox', folder],
  ['opt', folder],
  ['bloom', folder],
  ['falcon', folder],
  ['falcon_new', folder],
]

/** Decoders that also exist as GGUF, without the windows of their goldens: see `windowless.test.ts`. */
export const windowlessGguf: readonly string[] = ['qwen3', 'phi3']

/** LongRoPE has other factors for a context beyond this; PyTorch chooses them by the length of each input. */
const shortContext: Readonly<Record<string, number>> = { phi3_longrope: 36 }

/** Compares the models of `golden/architectures`, from every format, with PyTorch's results, on one device. */
export function describeDecoders(kind: Device['kind'], makeDevice: () => Promise<Device>): void {
  describe(`decoders on ${kind}`, () => decoderCases(kind, makeDevice))
}

function decoderCases(kind: Device['kind'], makeDevice: () => Promise<Device>): void {
  let device: Device
  beforeAll(async () => {
    device = await makeDevice()
  })
  afterAll(() => device.dispose())

  describe.each(decoders)('%s', (name, sources) => {
    const golden = goldenJson<ArchitectureGolden>(`architectures/${name}/golden.json`)
    let expected: Checkpoint
    beforeAll(async () => {
      expected = await goldenSafetensors(`architectures/${name}/golden.safetensors`)
    })

    // A software GPU is slow, and the file format makes no difference to a device.
    describe.each(kind === 'webgpu' ? sources.slice(0, 1) : sources)('from %s', (container) => {
      let load: (contextLength?: number) => Promise<LanguageModel>
      let model: LanguageModel
      beforeAll(async () => {
        const path = `architectures/${name}/`
        const checkpoint =
          container === 'gguf'
            ? await goldenGguf(`${path}model.gguf`)
            : await goldenSafetensors(`${path}model.safetensors`)
        const config = container === 'gguf' ? undefined : goldenJson<Record<string, unknown>>(path + container)
        load = (contextLength) =>
          loadModel(checkpoint, { device, packers: ggmlPackers, families: decoderFamilies, config, contextLength })
        model = await load(shortContext[name])
      })
      afterAll(() => model.dispose())

      it.each(['len1', 'len9', 'len40'] as const)('gives the logits of %s', async (input) => {
        const fits = golden.inputs[input].length <= model.config.contextLength
        const fitting = fits ? model : await load()
        const { values } = await forwardAll(fitting, golden.inputs[input])
        if (!fits) fitting.dispose()
        expect(largestDifference(values, await goldenTensor(expected, `logits.${input}`)).value).toBeLessThan(
          golden.tolerance_abs,
        )
      })

      it('gives the hidden states of len9', async () => {
        const { hidden } = await forwardAll(model, golden.inputs.len9)
        expect(
          largestDifference(hidden.get('embed') ?? [], await goldenTensor(expected, 'hidden.embed')).value,
        ).toBeLessThan(golden.tolerance_abs)
        for (let layer = 0; layer < model.config.numLayers; layer++) {
          const difference = largestDifference(
            hidden.get(`layers.${layer}.output`) ?? [],
            await goldenTensor(expected, `hidden.layer.${layer}`),
          )
          expect(difference.value, `layer ${layer}`).toBeLessThan(golden.tolerance_abs)
        }
        expect(
          largestDifference(hidden.get('final_norm') ?? [], await goldenTensor(expected, 'hidden.final_norm')).value,
        ).toBeLessThan(golden.tolerance_abs)
      })

      it('gives the greedy tokens, in chunks and through the replayed step', async () => {
        const session = createSession(model, { activations: 'f32', chunkTokens: 4 })
        const tokens = [argmaxOf(await session.prefill(golden.inputs.len9))]
        while (tokens.length < golden.greedy.tokens.length) tokens.push(await session.stepGreedy(tokens.at(-1) ?? 0))
        expect(tokens).toEqual(golden.greedy.tokens)
        session.dispose()
      })

      it('rounds activations by default only where that is faster', () => {
        expect(createSession(model).activations).toBe(defaultActivations[kind])
        expect(createSession(model, { activations: 'int8' }).activations).toBe('int8')
      })

      it('frees what it allocated', async () => {
        const before = device.memory().liveTensors
        const session = createSession(model, { activations: 'f32' })
        await session.prefill(golden.inputs.len9)
        await session.stepGreedy(1)
        session.dispose()
        expect(device.memory().liveTensors).toBe(before)
      })
    })
  })
}

async function forwardAll(
  model: LanguageModel,
  ids: readonly number[],
): Promise<{ values: Float32Array; hidden: Map<string, Float32Array> }> {
  const { device, config } = model
  const cache = denseCache('f32').create(device, { layers: cacheLayersOf(config), batch: 1, capacity: 64 })
  cache.prepare(0, ids.length)
  const step = uploadStep(device, ids)
  const pending: Promise<void>[] = []
  const hidden = new Map<string, Float32Array>()
  const observe = (name: string, tensor: Parameters<Device['read']>[0]): void => {
    pending.push(device.read(tensor).then((values) => void hidden.set(name, values as Float32Array)))
  }
  const logits = model.forward(step, cache, { logits: 'all', activations: 'f32', observe })
  if (!logits) throw new Error('forward returned no logits')
  const values = (await device.read(logits)) as Float32Array
  await Promise.all(pending)
  logits.dispose()
  cache.dispose()
  for (const tensor of Object.values(step)) tensor.dispose()
  return { values, hidden }
}

export function argmaxOf(values: Float32Array): number {
  return values.reduce((best, value, index) => (value > (values[best] as number) ? index : best), 0)
}
