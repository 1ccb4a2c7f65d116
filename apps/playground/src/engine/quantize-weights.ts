import { denseCache } from '@tessera-llm/attention'
import type { GgufCheckpoint, TensorData } from '@tessera-llm/formats'
import { isBlockLinear, type ModelWeights } from '@tessera-llm/optimize'
import {
  codeBits,
  createPlainMultiply,
  dequantizeMatrix,
  gptq,
  type Grid,
  hqq,
  type IntegerGrid,
  type LinearStatistics,
  outputError,
  type QuantizedMatrix,
  rtn,
  scaleCount,
  type WeightMatrix,
} from '@tessera-llm/quantization'
import { cacheLayersOf, type LanguageModel } from '@tessera-llm/runtime'
import { bytesOf } from '@tessera-llm/tensor'
import { changedCheckpoint } from './changed-checkpoint.ts'
import type { Quantized, QuantizeRequest } from './protocol.ts'

export interface Quantizer {
  quantize(request: QuantizeRequest): Promise<Quantized>
}

/** Quantizes matrices by the methods of `@tessera-llm/quantization`, and runs the model with the result. */
export function createQuantizer(
  checkpoint: GgufCheckpoint,
  weights: ModelWeights,
  model: LanguageModel,
  texts: readonly (readonly number[])[],
  perplexityOf: (changed: GgufCheckpoint) => Promise<number>,
): Quantizer {
  let statistics: Promise<ReadonlyMap<string, LinearStatistics>> | undefined
  const read = async (name: string): Promise<WeightMatrix & { readonly storedName: string }> => {
    const weight = weights.get(name)
    if (!weight) throw new Error(`The model has no matrix ${name}.`)
    return {
      values: await weight.read(),
      shape: [weight.shape[0] ?? 0, weight.shape[1] ?? 0],
      storedName: weight.storedName,
    }
  }
  return {
    async quantize(request) {
      const byInput = await (statistics ??= gatherStatistics(model, texts))
      const statisticsOf = (name: string): LinearStatistics => byInput.get(name) as LinearStatistics
      const began = performance.now()
      const changes: TensorData[] = []
      let chosen: { readonly weight: WeightMatrix; readonly matrix: QuantizedMatrix } | undefined
      for (const name of request.all ? [...weights.keys()].filter(isBlockLinear) : [request.name]) {
        const weight = await read(name)
        const matrix = round(weight, statisticsOf(name), request)
        if (name === request.name) chosen = { weight, matrix }
        changes.push({
          name: weight.storedName,
          shape: weight.shape,
          format: 'f32',
          bytes: bytesOf(dequantizeMatrix(matrix)),
        })
      }
      if (!chosen) throw new Error(`${request.name} is not a matrix of a linear layer.`)
      const quantizeMs = performance.now() - began
      const { weight, matrix } = chosen
      const values = dequantizeMatrix(matrix)
      const after = storedBytes(matrix)
      const { error, energy } = outputError(weight, values, statisticsOf(request.name), createPlainMultiply())
      return {
        values,
        bytes: { before: 2 * values.length, after },
        bitsPerWeight: (8 * after) / values.length,
        outputError: error / energy,
        perplexity: await perplexityOf(await changedCheckpoint(checkpoint, changes)),
        quantizeMs,
      }
    },
  }
}

function round(
  weight: WeightMatrix,
  statistics: LinearStatistics,
  { method, bits, group }: QuantizeRequest,
): QuantizedMatrix {
  const grid: IntegerGrid = { kind: 'integer', bits, group, isSymmetric: false, scaleType: 'f16' }
  switch (method) {
    case 'rtn':
      return rtn(weight, grid)
    case 'hqq':
      return hqq(weight, grid).matrix
    case 'gptq':
      return gptq(weight, statistics, grid).matrix
  }
}

/** Codes in their bits, f16 scales, and zero points in the bits of a code. */
function storedBytes({ grid, shape }: QuantizedMatrix): number {
  const [rows, columns] = shape
  return Math.ceil((rows * columns * codeBits(grid) + scaleCount(grid, shape) * (16 + zeroBits(grid))) / 8)
}

function zeroBits(grid: Grid): number {
  return grid.kind === 'integer' && !grid.isSymmetric ? codeBits(grid) : 0
}

/** Second moments of each linear layer's inputs on the texts. */
async function gatherStatistics(
  model: LanguageModel,
  texts: readonly (readonly number[])[],
): Promise<ReadonlyMap<string, LinearStatistics>> {
  const { device, config } = model
  const sums = new Map<string, { count: number; readonly columns: number; readonly secondMoment: Float32Array }>()
  const capacity = Math.max(...texts.map(({ length }) => length))
  const cache = denseCache('f32').create(device, { layers: cacheLayersOf(config), batch: 1, capacity })
  for (const ids of texts) {
    const i32 = (values: readonly number[], shape: readonly number[]) => device.tensor(Int32Array.from(values), shape)
    const step = {
      ids: i32(ids, [ids.length]),
      positions: i32([...ids.keys()], [1, ids.length]),
      start: i32([0], [1]),
      lengths: i32([ids.length], [1]),
    }
    const reads: Promise<void>[] = []
    cache.prepare(0, ids.length)
    model.forward(step, cache, {
      logits: 'none',
      activations: 'f32',
      observe(name, tensor) {
        const [, layer, part = ''] = /^(layers\.\d+)\.((?:attention|mlp)\.\w+)\.input$/.exec(name) ?? []
        const found = `${layer}.${part}`
        // Keys and values share the queries' input, and the up projection shares the gate's.
        if (layer === undefined || part in sharedInputs) return
        const columns = tensor.shape.at(-1) ?? 0
        reads.push(
          device.read(tensor).then((values) => {
            const sum = sums.get(found) ?? { count: 0, columns, secondMoment: new Float32Array(columns * columns) }
            sums.set(found, sum)
            sum.count += values.length / columns
            addMoment(sum.secondMoment, values as Float32Array, columns)
          }),
        )
      },
    })
    await Promise.all(reads)
    for (const tensor of Object.values(step)) tensor.dispose()
  }
  cache.dispose()
  const all = new Map<string, LinearStatistics>(sums)
  for (const [name, sum] of sums) {
    mirror(sum.secondMoment, sum.columns)
    for (const [part, source] of Object.entries(sharedInputs))
      if (name.endsWith(source)) all.set(name.replace(source, part), sum)
  }
  return all
}

/** Linear layers whose input is that of another one. */
const sharedInputs: Readonly<Record<string, string>> = {
  'attention.key': 'attention.query',
  'attention.value': 'attention.query',
  'mlp.up': 'mlp.gate',
}

/** Adds Σ x xᵀ below the diagonal, and on it. */
function addMoment(moment: Float32Array, rows: Float32Array, columns: number): void {
  for (let at = 0; at < rows.length; at += columns) {
    for (let i = 0; i < columns; i++) {
      const factor = rows[at + i] as number
      for (let j = 0; j <= i; j++)
        moment[i * columns + j] = (moment[i * columns + j] as number) + factor * (rows[at + j] as number)
    }
  }
}

function mirror(moment: Float32Array, columns: number): void {
  for (let i = 0; i < columns; i++)
    for (let j = 0; j < i; j++) moment[j * columns + i] = moment[i * columns + j] as number
}
