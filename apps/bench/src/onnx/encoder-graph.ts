import type { Checkpoint } from '@tessera-llm/formats'
import { rtn } from '@tessera-llm/quantization'
import { type Fields, readFields } from '@tessera-llm/runtime'
import { bytesOf, viewBytes } from '@tessera-llm/tensor'
import type { OnnxGraph, OnnxNode, OnnxTensor } from './encode.ts'

const microsoft = 'com.microsoft'
/** Mask of the batch: 1 for tokens, 0 for padding. */
const maskName = 'mask'

/**
 * BERT with mean pooling as ONNX Runtime's own tools produce it: fused attention, residual with norm, and bias with
 * GELU. `int8` follows its dynamic quantization: weights of the blocks' linear layers i8 with one scale per output,
 * inputs u8 with one scale per call, products in i32. Inputs: `ids` i64[B, T], `positions` i64[T], `mask` i32[B, T],
 * `shares` f32[B, 1, T]; output `pooled` f32[B, 1, D].
 */
export async function encoderGraph(
  checkpoint: Checkpoint,
  config: Fields,
  precision: 'f32' | 'int8',
): Promise<OnnxGraph> {
  const fields = readFields(config, 'config.json')
  const epsilon = fields.number('layer_norm_eps', 1e-12)
  const heads = fields.integer('num_attention_heads')
  const nodes: OnnxNode[] = []
  const initializers: OnnxTensor[] = []
  let made = 0
  const node = (
    operator: string,
    inputs: readonly string[],
    more: Partial<Pick<OnnxNode, 'domain' | 'integers' | 'floats'>> = {},
    count = 1,
  ): readonly string[] => {
    const outputs = Array.from({ length: count }, () => `t${made++}`)
    nodes.push({ operator, domain: '', integers: {}, ...more, inputs, outputs })
    return outputs
  }
  const one = (...call: Parameters<typeof node>): string => node(...call)[0] as string
  const constant = (name: string, shape: readonly number[], values: Float32Array | Int8Array): string => {
    initializers.push({ name, type: values instanceof Int8Array ? 'i8' : 'f32', shape, bytes: bytesOf(values) })
    return name
  }
  const read = async (name: string): Promise<{ readonly shape: readonly number[]; readonly values: Float32Array }> => {
    const stored = checkpoint.tensors.get(name)
    if (!stored) throw new Error(`bench: ${name} is missing from the encoder's file`)
    return { shape: stored.shape, values: viewBytes((await stored.read()).slice(), 'f32') as Float32Array }
  }
  const stored = async (name: string): Promise<string> => {
    const { shape, values } = await read(name)
    return constant(name, shape, values)
  }
  const biases = async (...layers: readonly string[]): Promise<string> => {
    const all = await Promise.all(layers.map((layer) => read(`${layer}.bias`)))
    const values = Float32Array.from(all.flatMap((bias) => [...bias.values]))
    return constant(`${layers[0]}.bias`, [values.length], values)
  }
  /** Products of one input with several weights, without biases. */
  const project = async (x: string, ...layers: readonly string[]): Promise<readonly string[]> => {
    const quantized = precision === 'int8' ? node('DynamicQuantizeLinear', [x], {}, 3) : undefined
    const out: string[] = []
    for (const layer of layers) {
      const {
        shape: [rows = 0, columns = 0],
        values,
      } = await read(`${layer}.weight`)
      if (!quantized) {
        out.push(one('MatMul', [x, constant(`${layer}.weight`, [columns, rows], transposed(values, rows, columns))]))
        continue
      }
      const { codes, scales } = rtn(
        { values, shape: [rows, columns] },
        { kind: 'integer', bits: 8, group: 'row', isSymmetric: true, scaleType: 'f32' },
      )
      const weight = constant(
        `${layer}.weight`,
        [columns, rows],
        transposed(
          Int8Array.from(codes, (code) => code - 128),
          rows,
          columns,
        ),
      )
      const [codesOfX = '', scaleOfX = '', zeroOfX = ''] = quantized
      out.push(
        one('MatMulIntegerToFloat', [codesOfX, weight, scaleOfX, constant(`${layer}.scale`, [rows], scales), zeroOfX], {
          domain: microsoft,
        }),
      )
    }
    return out
  }

  const words = one('Gather', [await stored('embeddings.word_embeddings.weight'), 'ids'])
  const positions = one('Gather', [await stored('embeddings.position_embeddings.weight'), 'positions'])
  const {
    shape: [, width = 0],
    values: types,
  } = await read('embeddings.token_type_embeddings.weight')
  const sum = one('Add', [one('Add', [words, positions]), constant('type 0', [width], types.slice(0, width))])
  let x = one(
    'LayerNormalization',
    [sum, await stored('embeddings.LayerNorm.weight'), await stored('embeddings.LayerNorm.bias')],
    { integers: { axis: 2 }, floats: { epsilon } },
  )
  for (let layer = 0; layer < fields.integer('num_hidden_layers'); layer++) {
    const at = `encoder.layer.${layer}`
    const [query, key, value] = ['query', 'key', 'value'].map((part) => `${at}.attention.self.${part}`) as [
      string,
      string,
      string,
    ]
    const [q = '', k = '', v = ''] = await project(x, query, key, value)
    const attended = one('MultiHeadAttention', [q, k, v, await biases(query, key, value), maskName], {
      domain: microsoft,
      integers: { num_heads: heads },
    })
    const normed = async (stem: string, input: string, skip: string): Promise<string> =>
      one(
        'SkipLayerNormalization',
        [
          (await project(input, `${stem}.dense`))[0] as string,
          skip,
          await stored(`${stem}.LayerNorm.weight`),
          await stored(`${stem}.LayerNorm.bias`),
          await biases(`${stem}.dense`),
        ],
        { domain: microsoft, floats: { epsilon } },
      )
    x = await normed(`${at}.attention.output`, attended, x)
    const up = `${at}.intermediate.dense`
    x = await normed(
      `${at}.output`,
      one('BiasGelu', [(await project(x, up))[0] as string, await biases(up)], { domain: microsoft }),
      x,
    )
  }
  nodes.push({ operator: 'MatMul', domain: '', inputs: ['shares', x], outputs: ['pooled'], integers: {} })
  return {
    nodes,
    initializers,
    inputs: [
      { name: 'ids', type: 'i64', shape: ['B', 'T'] },
      { name: 'positions', type: 'i64', shape: ['T'] },
      { name: maskName, type: 'i32', shape: ['B', 'T'] },
      { name: 'shares', type: 'f32', shape: ['B', 1, 'T'] },
    ],
    outputs: [{ name: 'pooled', type: 'f32', shape: ['B', 1, width] }],
  }
}

/** Transposes [rows, columns] to [columns, rows]. */
function transposed<T extends Float32Array | Int8Array>(values: T, rows: number, columns: number): T {
  const out = values.slice() as T
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column] as number
  return out
}
