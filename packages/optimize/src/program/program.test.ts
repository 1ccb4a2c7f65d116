import { readFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { bufferSource, readGguf, readSafetensors } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import {
  bertFamily,
  createSession,
  type Fields,
  gemmaFamily,
  llamaFamily,
  loadEncoder,
  loadModel,
  packSequences,
} from '@tessera-llm/runtime'
import { createReferenceDevice, type Device } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { expect, test } from 'vitest'
import { isBlockLinear } from '../names/index.ts'
import { subjectOf } from '../subject/index.ts'
import { createStream, recordModel } from './index.ts'

const makers: readonly (readonly [string, () => Promise<Device>])[] = [
  ['reference', async () => createReferenceDevice()],
  [
    'WebAssembly',
    () => createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 2 }),
  ],
]
const windows = [
  [5, 9, 2, 700, 31, 8],
  [1, 1, 2, 3, 5, 8],
]

test('names the sites of a model: which linear layers read the same input', async () => {
  const subject = subjectOf(await readGguf(bufferSource(await readFile(tinyModel.ggufUrl))), {
    families: [llamaFamily],
  })
  const { sites, tokens } = await recordModel(subject, 6)
  expect(tokens).toBe(6)
  expect(sites.slice(0, 4).map(({ linears }) => linears)).toEqual([
    ['layers.0.attention.query', 'layers.0.attention.key', 'layers.0.attention.value'],
    ['layers.0.attention.output'],
    ['layers.0.mlp.gate', 'layers.0.mlp.up'],
    ['layers.0.mlp.down'],
  ])
  expect(sites).toHaveLength(4 * subject.config.numLayers + 1)
  expect(sites.at(-1)).toMatchObject({ name: 'embedding', input: { shape: [6, 192] } })
})

test.for(makers)(
  '%s: going through the recorded steps, in pieces and window by window, is the forward pass',
  async ([, make]) => {
    const checkpoint = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
    const subject = subjectOf(checkpoint, { families: [llamaFamily] })
    const device = await make()
    try {
      const program = await recordModel(subject, 6)
      const loaded: string[] = []
      const weight = async (name: string) => {
        loaded.push(name)
        const found = subject.weights.get(name)
        return device.tensor((await found?.read()) as Float32Array, found?.shape ?? [])
      }
      const stream = createStream({ device, program, windows, weight })
      for (const { step } of program.sites) await stream.advance(step)
      const input = program.sites.at(-1)?.input
      const inputs = windows.map((_, window) => stream.tensor(window, input as NonNullable<typeof input>))
      const normed = await Promise.all(inputs.map((tensor) => device.read(tensor)))
      for (const tensor of inputs) tensor.dispose()
      expect(loaded.length).toBe(7 * subject.config.numLayers + 1)
      stream.dispose()
      expect(device.memory().liveTensors).toBe(0)

      const model = await loadModel(checkpoint, { device, packers: [], families: [llamaFamily] })
      const session = createSession(model, { activations: 'f32' })
      const embedding = (await subject.weights.get('embedding')?.read()) as Float32Array
      for (const [window, ids] of windows.entries()) {
        const logits = await session.prefill(ids)
        const last = (normed[window] as Float32Array).subarray(-192)
        for (const id of [0, 3, 2047]) {
          const expected = last.reduce(
            (total, value, index) => total + value * (embedding[id * 192 + index] as number),
            0,
          )
          expect(logits[id]).toBeCloseTo(expected, 3)
        }
      }
    } finally {
      await device.dispose()
    }
  },
)

const golden = (architecture: string, file: string): URL =>
  new URL(`../../../runtime/test/golden/architectures/${architecture}/${file}`, import.meta.url)

test.each(['bert', 'distilbert'])(
  '%s: an encoder is recorded as it stands, and going through its steps gives what its last layer reads',
  async (architecture) => {
    const config = JSON.parse(await readFile(golden(architecture, 'config.json'), 'utf8')) as Fields
    const checkpoint = await readSafetensors(bufferSource(await readFile(golden(architecture, 'model.safetensors'))))
    const subject = subjectOf(checkpoint, { families: [], encoderFamilies: [bertFamily], config })
    expect(subject.kind).toBe('encoder')
    const program = await recordModel(subject, 6)
    expect(program.sites.map(({ linears }) => linears.length)).toEqual(
      Array.from({ length: subject.config.numLayers }, () => [3, 1, 1, 1]).flat(),
    )
    const last = program.sites.at(-1) as NonNullable<(typeof program.sites)[number]>
    expect(last.linears).toEqual([`layers.${subject.config.numLayers - 1}.mlp.down`])
    const device = createReferenceDevice()
    const stream = createStream({
      device,
      program,
      windows,
      weight: async (name) =>
        device.tensor(
          (await subject.weights.get(name)?.read()) as Float32Array,
          subject.weights.get(name)?.shape ?? [],
        ),
    })
    const encoder = await loadEncoder(checkpoint, { device, packers: [], families: [bertFamily], config })
    await stream.advance(last.step)
    for (const [index, ids] of windows.entries()) {
      const seen: Promise<unknown>[] = []
      encoder.forward(packSequences(device, [ids]), {
        activations: 'f32',
        observe: (name, tensor) => name === `${last.name}.input` && seen.push(device.read(tensor)),
      })
      expect(await device.read(stream.tensor(index, last.input))).toEqual(await seen[0])
    }
    stream.dispose()
    encoder.dispose()
  },
)

test('an encoder whose queries, keys and values are one matrix is refused by the name of that', async () => {
  const config = JSON.parse(await readFile(golden('modernbert', 'config.json'), 'utf8')) as Fields
  const subject = subjectOf(
    await readSafetensors(bufferSource(await readFile(golden('modernbert', 'model.safetensors')))),
    { families: [], encoderFamilies: [bertFamily], config },
  )
  await expect(recordModel(subject, 6)).rejects.toThrow(
    /layers\.0\.(attn\.Wqkv|mlp\.Wi)\.weight is stored as part of another tensor/,
  )
})

test.each([
  ['gemma3', gemmaFamily],
  ['qwen3', llamaFamily],
])('%s is recorded as it stands, windows and norms of its own included', async (architecture, family) => {
  const config = JSON.parse(await readFile(golden(architecture, 'config.json'), 'utf8')) as Fields
  const subject = subjectOf(
    await readSafetensors(bufferSource(await readFile(golden(architecture, 'model.safetensors')))),
    { families: [family], config },
  )
  const { sites } = await recordModel(subject, 8)
  expect(sites.filter(({ linears }) => linears.every(isBlockLinear)).map(({ linears }) => linears.length)).toEqual(
    Array.from({ length: subject.config.numLayers }, () => [3, 1, 2, 1]).flat(),
  )
})
