import { readFile } from 'node:fs/promises'
import { denseCache } from '@tessera-llm/attention'
import {
  bufferSink,
  bufferSource,
  type Checkpoint,
  readGguf,
  readSafetensors,
  type StoredTensor,
  type TensorData,
  writeSafetensors,
} from '@tessera-llm/formats'
import {
  awqConfig,
  codebookGrid,
  compressedTensorsConfig,
  dequantizeMatrix,
  type Grid,
  gptqConfig,
  type IntegerGrid,
  type QuantizedMatrix,
  rtn,
  type StoredParts,
  writeAwq,
  writeCompressed,
  writeGptq,
} from '@tessera-llm/quantization'
import { bytesOf, decodeElements, type DType, sizeOf, viewBytes } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { expect, test } from 'vitest'
import { loadHuggingFace, type LoadOptions } from './load.ts'

const gguf = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
const tokenizer = JSON.parse(await readFile(tinyModel.tokenizerUrl, 'utf8')) as Record<string, unknown>
const config = {
  model_type: 'llama',
  hidden_size: 192,
  num_hidden_layers: 6,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  intermediate_size: 512,
  vocab_size: 2048,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
  hidden_act: 'silu',
}
const names: Readonly<Record<string, string>> = {
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
  attn_norm: 'input_layernorm',
  ffn_norm: 'post_attention_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
}

const floats = async ({ format, shape, read }: StoredTensor): Promise<Float32Array> =>
  Float32Array.from(decodeElements(viewBytes(await read(), format as DType), format as DType, sizeOf(shape)))

/**
 * Two Hugging Face checkpoints: one with quantized linear layers, and one with their decoded values. Rows of queries
 * and keys are not permuted for RoPE, so both models compute the same wrong function.
 */
async function checkpoints(
  grid: Grid,
  write: (matrix: QuantizedMatrix) => StoredParts,
): Promise<readonly [quantized: Checkpoint, plain: Checkpoint]> {
  const quantized: TensorData[] = []
  const plain: TensorData[] = []
  for (const stored of gguf.tensors.values()) {
    const [, layer, part = ''] = /^blk\.(\d+)\.(.+)\.weight$/.exec(stored.name) ?? []
    const name =
      layer === undefined
        ? stored.name === 'token_embd.weight'
          ? 'model.embed_tokens'
          : 'model.norm'
        : `model.layers.${layer}.${names[part]}`
    const values = await floats(stored)
    if (!name.endsWith('_proj')) {
      for (const list of [quantized, plain])
        list.push({ name: `${name}.weight`, shape: stored.shape, format: 'f32', bytes: bytesOf(values) })
      continue
    }
    const shape: readonly [number, number] = [stored.shape[0] ?? 0, stored.shape[1] ?? 0]
    const matrix = rtn({ values, shape }, grid, { scale: 'range' })
    for (const [suffix, data] of Object.entries(write(matrix))) quantized.push({ name: `${name}.${suffix}`, ...data })
    plain.push({ name: `${name}.weight`, shape, format: 'f32', bytes: bytesOf(dequantizeMatrix(matrix)) })
  }
  const [first, second] = await Promise.all(
    [quantized, plain].map(async (tensors) => {
      const sink = bufferSink()
      await writeSafetensors({ tensors }, sink)
      return readSafetensors(bufferSource(sink.bytes()))
    }),
  )
  return [first as Checkpoint, second as Checkpoint]
}

const integers = (bits: 4 | 8, isSymmetric: boolean, scaleType: IntegerGrid['scaleType'] = 'f16'): IntegerGrid => ({
  kind: 'integer',
  bits,
  group: 64,
  isSymmetric,
  scaleType,
})
async function logitsOf(
  checkpoint: Checkpoint,
  quantization: unknown,
  options: LoadOptions = { device: 'wasm' },
): Promise<Float32Array> {
  const model = await loadHuggingFace(
    { checkpoint, config: { ...config, quantization_config: quantization }, tokenizer },
    { threads: 1, activations: 'f32', cache: denseCache('f32'), ...options },
  )
  const logits = await model.session.prefill([0, 942, 1268, 270, 260])
  await model.dispose()
  return Float32Array.from(logits as Float32Array)
}

const fp8 = codebookGrid('fp8_e4m3', 'row', 'f32')

test.for<readonly [string, Grid, (matrix: QuantizedMatrix) => StoredParts, unknown]>([
  ['GPTQ', integers(4, false), (matrix) => writeGptq(matrix, 2), gptqConfig(integers(4, false), 2)],
  ['AWQ', integers(4, false), writeAwq, awqConfig(integers(4, false))],
  [
    'compressed-tensors, int8',
    integers(8, true),
    (matrix) => writeCompressed(matrix, 'int-quantized'),
    compressedTensorsConfig(integers(8, true), 'int-quantized'),
  ],
  [
    'compressed-tensors, fp8',
    fp8,
    (matrix) => writeCompressed(matrix, 'float-quantized'),
    compressedTensorsConfig(fp8, 'float-quantized'),
  ],
])('%s: the model computes what its dequantized weights compute', async ([, grid, write, quantization]) => {
  const [quantized, plain] = await checkpoints(grid, write)
  const got = await logitsOf(quantized, quantization)
  const wanted = await logitsOf(plain, null)
  expect(got.reduce((most, value, i) => Math.max(most, Math.abs(value - (wanted[i] as number))), 0)).toBeLessThan(1e-3)
  expect(wanted.some((value) => value !== 0)).toBe(true)
})

test.for<readonly [string, IntegerGrid | undefined, LoadOptions['device'], RegExp | undefined]>([
  ['blocks', integers(8, true), 'wasm', undefined],
  ['codes with f32 scales', integers(8, true, 'f32'), 'wasm', undefined],
  [
    'what is decoded because its scales are f32',
    integers(8, true, 'f32'),
    'reference',
    /42 of 42 quantized weights \(model\.layers\.0\..*\) are not packed on reference/,
  ],
  ['what was never quantized', undefined, 'wasm', /no weight of the model is packed/],
])('%s: asked to round inputs, the model does, or says that it does not', async ([, grid, device, said]) => {
  const [quantized, plain] = await checkpoints(grid ?? integers(8, true), (matrix) =>
    writeCompressed(matrix, 'int-quantized'),
  )
  const [checkpoint, quantization] = grid
    ? [quantized, compressedTensorsConfig(grid, 'int-quantized')]
    : ([plain, null] as const)
  const notes: string[] = []
  const onNote = (line: string): void => void notes.push(line)
  const exact = await logitsOf(checkpoint, quantization, { device, onNote })
  expect(notes).toEqual([])
  const rounded = await logitsOf(checkpoint, quantization, { device, onNote, activations: 'int8-token' })
  expect(notes).toEqual(said ? [expect.stringMatching(said)] : [])
  if (said) expect(rounded).toEqual(exact)
  else expect(rounded).not.toEqual(exact)
})

test('a layout that cannot be read is refused with its name', async () => {
  await expect(
    loadHuggingFace({
      checkpoint: gguf,
      config: { ...config, quantization_config: { quant_method: 'bitsandbytes' } },
      tokenizer,
    }),
  ).rejects.toThrow('the quantization method "bitsandbytes"; gptq, awq and compressed-tensors are read')
})
