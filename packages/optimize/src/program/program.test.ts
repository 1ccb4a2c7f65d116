import { readFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { bufferSource, readGguf, readSafetensors } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createSession, type Fields, gemmaFamily, llamaFamily, loadModel } from '@tessera-llm/runtime'
import { createReferenceDevice, type Device } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { expect, test } from 'vitest'
import { isBlockLinear } from '../names/index.ts'
import { subjectOf } from '../subject/index.ts'
import { createStream, recordModel } from './index.ts'

const makers: readonly (readonly [string, () => Promise<Device>])[] = [
  ['reference', async () => createReferenceDevice()],
  ['WebAssembly', () => createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 2 })],
]
const windows = [[5, 9, 2, 700, 31, 8], [1, 1, 2, 3, 5, 8]]

test('names the sites of a model: which linear layers read the same input', async () => {
  const subject = subjectOf(await readGguf(bufferSource(await readFile(tinyModel.ggufUrl))), { families: [llamaFamily] })
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

test.for(makers)('%s: going through the recorded steps, in pieces and window by window, is the forward pass', async ([, make]) => {
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
        const expected = last.reduce((total, value, index) => total + value * (embedding[id * 192 + index] as number), 0)
        expect(logits[id]).toBeCloseTo(expected, 3)
      }
    }
  } finally {
    await device.dispose()
  }
})

const golden = (architecture: string, file: string): URL => new URL(`../../../runtime/test/golden/architectures/${architecture}/${file}`, import.meta.url)

test.each([
  ['gemma3', gemmaFamily],
  ['qwen3', llamaFamily],
])('%s is recorded as it stands, windows and norms of its own included', async (architecture, family) => {
  const config = JSON.parse(await readFile(golden(architecture, 'config.json'), 'utf8')) as Fields
  const subject = subjectOf(await readSafetensors(bufferSource(await readFile(golden(architecture, 'model.safetensors')))), { families: [family], config })
  const { sites } = await recordModel(subject, 8)
  expect(sites.filter(({ linears }) => linears.every(isBlockLinear)).map(({ linears }) => linears.length)).toEqual(Array.from({ length: subject.config.numLayers }, () => [3, 1, 2, 1]).flat())
})
