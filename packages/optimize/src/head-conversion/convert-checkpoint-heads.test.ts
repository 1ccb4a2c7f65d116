import { readFile } from 'node:fs/promises'
import {
  bufferSink,
  bufferSource,
  type Checkpoint,
  type GgufCheckpoint,
  readGguf,
  readSafetensors,
  type TensorData,
  writeGguf,
  writeSafetensors,
} from '@tessera-llm/formats'
import { denseCache } from '@tessera-llm/attention'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { cacheLayersOf, llamaFamily, loadModel } from '@tessera-llm/runtime'
import { isTesseraError } from '@tessera-llm/tensor'
import { compare } from '@tessera-llm/testing'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, describe, expect, test } from 'vitest'
import { checkpointWeights } from '../weights/index.ts'
import { encodeAs, writableFormat } from './encode-as-stored.ts'
import { calibrateHeads, convertCheckpointHeads, type HeadConversionOptions } from './index.ts'

const device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm], threads: 1 })
afterAll(() => device.dispose())
const bytes = new Uint8Array(await readFile(tinyModel.ggufUrl))
const tiny = await readGguf(bufferSource(bytes))
const ids = [0, 35, 445, 415, 314, 83]

async function written(checkpoint: Checkpoint, options: HeadConversionOptions): Promise<GgufCheckpoint> {
  const { tensors, metadata } = convertCheckpointHeads(checkpoint, options)
  return rewritten({ tensors, metadata: metadata ?? new Map() })
}

async function rewritten(content: Parameters<typeof writeGguf>[0]): Promise<GgufCheckpoint> {
  const sink = bufferSink()
  await writeGguf(content, sink)
  return readGguf(bufferSource(sink.bytes()))
}

async function logitsOf(checkpoint: Checkpoint): Promise<Float32Array> {
  const model = await loadModel(checkpoint, { device, packers: [], families: [llamaFamily] })
  const cache = denseCache('f32').create(device, {
    layers: cacheLayersOf(model.config),
    batch: 1,
    capacity: ids.length,
  })
  cache.prepare(0, ids.length)
  const i32 = (values: readonly number[], shape: readonly number[]) => device.tensor(Int32Array.from(values), shape)
  const logits = model.forward(
    {
      ids: i32(ids, [ids.length]),
      positions: i32([...ids.keys()], [1, ids.length]),
      start: i32([0], [1]),
      lengths: i32([ids.length], [1]),
    },
    cache,
    { logits: 'all', activations: 'f32' },
  )
  const values = (await device.read(logits as NonNullable<typeof logits>)) as Float32Array
  cache.dispose()
  model.dispose()
  return values
}

const isCalibrated = (method: string): boolean => method === 'activation' || method === 'principal'

async function calibrated(checkpoint: Checkpoint) {
  const model = await loadModel(checkpoint, { device, packers: [], families: [llamaFamily] })
  const calibration = await calibrateHeads(model, [ids, ids.slice(2)])
  model.dispose()
  return calibration
}

/** The tiny model with both KV heads of each layer equal to the first, keys and values in `format`. */
async function twins(format: 'f32' | 'q8_0' = 'f32'): Promise<GgufCheckpoint> {
  const { tensors } = convertCheckpointHeads(tiny, { numKvHeads: 1, method: 'first' })
  const halved = checkpointWeights(await rewritten({ metadata: tiny.typedMetadata, tensors }))
  const doubled = await Promise.all(
    tensors.map(async (tensor): Promise<TensorData> => {
      if (!/attn_[kv]\.weight/.test(tensor.name)) return tensor
      const weight = halved.get(
        `layers.${tensor.name.split('.')[1]}.attention.${tensor.name.includes('_k') ? 'key' : 'value'}`,
      )
      const one = (await weight?.read()) ?? new Float32Array()
      const shape = [(tensor.shape[0] ?? 0) * 2, tensor.shape[1] ?? 0]
      const both = new Float32Array(one.length * 2)
      both.set(one)
      both.set(one, one.length)
      return { name: tensor.name, shape, format, bytes: encodeAs(format, both, shape) }
    }),
  )
  return rewritten({ metadata: tiny.typedMetadata, tensors: doubled })
}

describe('a GGUF file', () => {
  test.each(['mean', 'first', 'activation', 'principal'] as const)(
    '%s halves the cache, says so in the metadata, and runs',
    async (method) => {
      const converted = await written(tiny, {
        numKvHeads: 1,
        method,
        calibration: isCalibrated(method) ? await calibrated(tiny) : undefined,
      })
      expect(converted.metadata['llama.attention.head_count_kv']).toBe(1)
      expect(converted.metadata['llama.attention.head_count']).toBe(6)
      expect(converted.tensors.get('blk.3.attn_k.weight')).toMatchObject({ shape: [32, 192], format: 'f16' })
      expect([...converted.tensors.keys()]).toEqual([...tiny.tensors.keys()])
      for (const { name } of tiny.tensors.values()) {
        if (isCalibrated(method) ? /attn_[qkv]|attn_output/.test(name) : /attn_[kv]\./.test(name)) continue
        expect(
          Buffer.compare(
            (await converted.tensors.get(name)?.read()) ?? new Uint8Array(),
            (await tiny.tensors.get(name)?.read()) ?? new Uint8Array(),
          ),
          name,
        ).toBe(0)
      }
      expect((await logitsOf(converted)).every(Number.isFinite)).toBe(true)
    },
  )

  test('heads that are equal merge without loss, by every method', async () => {
    const before = await twins()
    const expected = await logitsOf(before)
    for (const method of ['mean', 'first', 'activation', 'principal'] as const) {
      const converted = await written(before, {
        numKvHeads: 1,
        method,
        calibration: isCalibrated(method) ? await calibrated(before) : undefined,
      })
      // Rotated queries and outputs are stored in f16 again.
      const comparison = compare(
        await logitsOf(converted),
        expected,
        isCalibrated(method) ? { atol: 1e-2, rtol: 1e-2, nmse: 4e-6 } : { atol: 1e-4, rtol: 1e-4, nmse: 1e-9 },
      )
      expect(comparison.pass, `${method}: ${comparison.message}`).toBe(true)
    }
  })

  test('to the same number is the same file', async () => {
    const sink = bufferSink()
    const { tensors, metadata } = convertCheckpointHeads(tiny, { numKvHeads: 2, method: 'mean' })
    await writeGguf({ tensors, metadata: metadata ?? new Map() }, sink)
    expect(Buffer.compare(sink.bytes(), bytes) === 0).toBe(true)
  })

  test('quantized heads are decoded and encoded again; formats that can only be read become f16', async () => {
    const before = await twins('q8_0')
    const converted = await written(before, { numKvHeads: 1, method: 'mean' })
    const [stored, was] = [converted.tensors.get('blk.0.attn_v.weight'), before.tensors.get('blk.0.attn_v.weight')]
    expect(stored).toMatchObject({ format: 'q8_0', shape: [32, 192] })
    expect(await stored?.read()).toEqual((await was?.read())?.subarray(0, stored?.byteLength))
    expect([
      writableFormat('bf16', [1, 8]),
      writableFormat('q4_0', [1, 32]),
      writableFormat('iq2_xs', [1, 256]),
    ]).toEqual(['bf16', 'q4_0', 'f16'])
  })

  test.each<[string, Partial<HeadConversionOptions>, string]>([
    ['a count that does not divide', { numKvHeads: 3 }, '3 KV heads cannot be made of 2; ask for a divisor'],
    ['activation without a calibration', { method: 'activation' }, 'needs a calibration of all 6 layers, and got none'],
  ])('refuses %s', (_, options, message) => {
    expect(() => convertCheckpointHeads(tiny, { numKvHeads: 1, method: 'mean', ...options })).toThrow(message)
  })

  test('refuses fused projections, and layers of unequal counts', async () => {
    const fused = await rewritten({
      metadata: tiny.typedMetadata,
      tensors: [...tiny.tensors.values()].filter(({ name }) => !name.includes('attn_k')),
    })
    expect(() => convertCheckpointHeads(fused, { numKvHeads: 1, method: 'mean' })).toThrow(
      'has no layers.0.attention.key',
    )
    const unequal = await rewritten({
      metadata: new Map(tiny.typedMetadata).set('llama.attention.head_count_kv', {
        type: 'array',
        items: 'u32',
        value: [2, 1],
      }),
      tensors: [...tiny.tensors.values()],
    })
    expect(() => convertCheckpointHeads(unequal, { numKvHeads: 1, method: 'mean' })).toThrow(
      'different numbers of KV heads (2, 1)',
    )
  })
})

test('a BERT checkpoint in safetensors: biases too, and the head count in config.json', async () => {
  const names = ['query', 'key', 'value'].map((part) => `encoder.layer.0.attention.self.${part}`)
  const matrix = Float32Array.from({ length: 64 }, (_, i) => i)
  const tensors = [...names, 'encoder.layer.0.attention.output.dense'].flatMap((name): TensorData[] => [
    { name: `${name}.weight`, shape: [8, 8], format: 'f32', bytes: new Uint8Array(matrix.buffer) },
    { name: `${name}.bias`, shape: [8], format: 'f32', bytes: new Uint8Array(matrix.buffer, 0, 32) },
  ])
  const sink = bufferSink()
  await writeSafetensors({ tensors }, sink)
  const checkpoint = await readSafetensors(bufferSource(sink.bytes()))
  const config = { model_type: 'bert', num_attention_heads: 4 }
  const converted = convertCheckpointHeads(checkpoint, { numKvHeads: 2, method: 'mean', config })
  expect(converted).toMatchObject({
    config: { ...config, num_key_value_heads: 2 },
    metadata: undefined,
    numKvHeads: { before: 4, after: 2 },
    cacheValuesPerToken: { before: 16, after: 8 },
  })
  const out = bufferSink()
  await writeSafetensors({ tensors: converted.tensors }, out)
  const weights = checkpointWeights(await readSafetensors(bufferSource(out.bytes())))
  expect(weights.get('layers.0.attention.key')?.shape).toEqual([4, 8])
  expect(await weights.get('layers.0.attention.key.bias')?.read()).toEqual(Float32Array.of(1, 2, 5, 6))
  expect((await weights.get('layers.0.attention.value')?.read())?.[0]).toBe(8)
  expect(await weights.get('layers.0.attention.query')?.read()).toEqual(matrix)
  let error: unknown
  try {
    convertCheckpointHeads(checkpoint, { numKvHeads: 2, method: 'mean' })
  } catch (caught) {
    error = caught
  }
  expect(isTesseraError(error, 'invalid-option')).toBe(true)
})
