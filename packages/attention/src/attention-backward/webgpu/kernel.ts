import { kernelAbi, type Problem, sizeOf } from '@tessera-llm/tensor'
import { type Binding, linearGrid, type WebGpuKernel, type WebGpuPass, webgpuCapabilities } from '@tessera-llm/webgpu'
import { type AttentionProblem, attentionProblem, fitsGpu, strides } from '../../attention/webgpu/problem.ts'
import { maskedPart, scorePart, sinkPart, spanPart, weighedPart } from '../../attention/webgpu/score/score.ts'
import { keyPart, queryPart, rowsPart, storePart, valuePart } from '../../attention/webgpu/tensors.ts'
import accumulate from '../../attention/webgpu/tile/accumulate.wgsl'
import products from '../../attention/webgpu/tile/products.wgsl'
import { tileColumns, tileRows } from '../../attention/webgpu/tile/tile.ts'
import tileSource from '../../attention/webgpu/tile/tile.wgsl'
import { f32, joinParts, type Part, paramsPart, u32 } from '../../webgpu-part/index.ts'
import gradientProducts from './gradient-products.wgsl'
import keysSource from './keys.wgsl'
import queriesSource from './queries.wgsl'
import rowsSource from './rows.wgsl'
import sinksSource from './sinks.wgsl'
import slopesSource from './slopes.wgsl'
import stateSource from './state.wgsl'
import storeWeightsSource from './store-weights.wgsl'
import storedWeightsSource from './stored-weights.wgsl'
import weightsSource from './weights.wgsl'

/**
 * Backward pass of FlashAttention-2 without atomics, so results are deterministic: separate passes compute dV and dK by
 * tiles of keys and dQ by tiles of rows, each within the bindings that every GPU has.
 */
export const flashBackwardWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'attention-backward',
  opVersion: 1,
  name: 'flash',
  priority: () => 10,
  supports: (problem, capabilities) =>
    fitsGpu(attentionProblem(problem), backwardPasses(problem, 'flash'), capabilities),
  passes: (problem) => backwardPasses(problem, 'flash'),
  temporaries(problem) {
    const { batch, numHeads, seqLenQ } = attentionProblem(problem)
    return { rowState: 8 * Math.max(1, batch * numHeads * seqLenQ) }
  },
}

/**
 * The same gradients by their definition: computes all weights P and their slopes dS once, keeps them in memory (8 · B
 * · Hq · Lq · Lkv bytes), and multiplies by them for dV, dK and dQ.
 */
export const plainBackwardWebgpu: WebGpuKernel = {
  abi: kernelAbi,
  device: 'webgpu',
  op: 'attention-backward',
  opVersion: 1,
  name: 'plain',
  supports(problem, capabilities) {
    const attention = attentionProblem(problem)
    const { maxBufferSize, maxStorageBufferBindingSize } = webgpuCapabilities(capabilities).limits
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize)
    if (weightBytes(attention) > limit)
      return `the weights take ${weightBytes(attention)} bytes, this GPU binds at most ${limit}`
    return fitsGpu(attention, backwardPasses(problem, 'plain'), capabilities)
  },
  passes: (problem) => backwardPasses(problem, 'plain'),
  temporaries(problem) {
    const attention = attentionProblem(problem)
    const { batch, numHeads, seqLenQ } = attention
    return {
      rowState: 8 * Math.max(1, batch * numHeads * seqLenQ),
      weights: weightBytes(attention),
      slopes: weightBytes(attention),
    }
  },
}

function weightBytes({ batch, numHeads, seqLenQ, seqLenKv }: AttentionProblem): number {
  return 4 * Math.max(1, batch * numHeads * seqLenQ * seqLenKv)
}

/** P or dS, stored in memory. */
function storedPart(tensor: 'weights' | 'slopes', access: Binding['access']): Part {
  return {
    bindings: [{ name: 'stored', tensor, access, type: 'array<f32>' }],
    fragments: [
      'fn stored_at(batch: u32, head: u32, row: u32) -> u32 { return ((batch * params.heads + head) * params.seq_q + row) * params.seq_kv; }',
      ...(access === 'read' ? [storedWeightsSource] : []),
    ],
    params: {},
  }
}

function backwardPasses(whole: Problem, kernel: 'flash' | 'plain'): readonly WebGpuPass[] {
  const problem = attentionProblem(whole)
  const { batch, numHeads, numKvHeads, seqLenQ, seqLenKv, headDim, valueDim, group, layout, kvLayout, inputs } = problem
  const [rowTiles, keyTiles] = [Math.ceil(seqLenQ / tileRows), Math.ceil(seqLenKv / tileRows)]
  const shared = paramsPart({
    heads: u32(numHeads),
    kv_heads: u32(numKvHeads),
    row_tiles: u32(rowTiles),
    key_tiles: u32(keyTiles),
    batches: u32(batch),
    seq_q: u32(seqLenQ),
    seq_kv: u32(seqLenKv),
  })
  const pass = (
    name: string,
    source: string,
    workgroups: number,
    parts: readonly Part[],
    constants: NonNullable<WebGpuPass['constants']>,
  ): WebGpuPass => {
    const { bindings, fragments, params } = joinParts(...parts, shared, paramsPart({ workgroups: u32(workgroups) }))
    return {
      name: `${kernel}-backward/${name}`,
      source,
      bindings,
      fragments,
      constants,
      params,
      workgroups: linearGrid(workgroups),
    }
  }
  const gradients = rowsPart('g', 'do', 'f32', valueDim, strides(layout, numHeads, seqLenQ, valueDim))
  const scores = [
    queryPart(problem),
    keyPart(problem),
    statePart('read'),
    spanPart(problem),
    maskedPart,
    scorePart(problem),
    text(tileSource, products),
  ]
  const weights = [...scores, gradients, text(weightsSource)]
  const slopes = [...scores, valuePart(problem), gradients, bendPart(problem), text(gradientProducts, slopesSource)]
  // Factors of the last products: flash recomputes weights in each, plain reads them.
  const kept = [statePart('read'), spanPart(problem), maskedPart, text(tileSource)]
  const factors =
    kernel === 'flash'
      ? { values: weights, keys: slopes, queries: slopes }
      : {
          values: [...kept, gradients, storedPart('weights', 'read')],
          keys: [...kept, queryPart(problem), storedPart('slopes', 'read')],
          queries: [...kept, keyPart(problem), storedPart('slopes', 'read')],
        }
  const sums = [weighedPart(problem), text(accumulate)]
  const counts = { GROUP: group, QUERY_CHUNKS: Math.ceil(headDim / 4), VALUE_CHUNKS: Math.ceil(valueDim / 4) }
  const { scale = 1 / Math.sqrt(headDim) } = problem.options
  const rows = batch * numHeads * seqLenQ
  return [
    pass(
      'rows',
      rowsSource,
      Math.ceil(rows / 64),
      [
        gradients,
        rowsPart('r', 'o', 'f32', valueDim, strides(layout, numHeads, seqLenQ, valueDim)),
        bitsOfLse,
        lossPart(inputs['dlse' as keyof typeof inputs] !== undefined),
        statePart('read_write'),
        paramsPart({ rows: u32(rows) }),
      ],
      counts,
    ),
    ...(kernel === 'plain'
      ? [
          pass(
            'weights',
            storeWeightsSource,
            batch * numHeads * rowTiles * keyTiles,
            [...weights, storedPart('weights', 'read_write')],
            counts,
          ),
          pass(
            'slopes',
            storeWeightsSource,
            batch * numHeads * rowTiles * keyTiles,
            [...slopes, storedPart('slopes', 'read_write')],
            counts,
          ),
        ]
      : []),
    pass(
      'values',
      keysSource,
      batch * numKvHeads * keyTiles,
      [
        ...factors.values,
        rowPart('g'),
        storePart('x', 'dv', valueDim, strides(kvLayout, numKvHeads, seqLenKv, valueDim)),
        ...sums,
        paramsPart({ factor: f32(1) }),
      ],
      { ...counts, OUTPUT_TILES: Math.ceil(valueDim / tileColumns) },
    ),
    pass(
      'keys',
      keysSource,
      batch * numKvHeads * keyTiles,
      [
        ...factors.keys,
        rowPart('q'),
        storePart('x', 'dk', headDim, strides(kvLayout, numKvHeads, seqLenKv, headDim)),
        ...sums,
        paramsPart({ factor: f32(scale) }),
      ],
      { ...counts, OUTPUT_TILES: Math.ceil(headDim / tileColumns) },
    ),
    pass(
      'queries',
      queriesSource,
      batch * numHeads * rowTiles,
      [
        ...factors.queries,
        storePart('x', 'dq', headDim, strides(layout, numHeads, seqLenQ, headDim)),
        ...sums,
        paramsPart({ factor: f32(scale) }),
      ],
      { ...counts, QUERY_TILES: Math.ceil(headDim / tileColumns) },
    ),
    ...(inputs.sinks
      ? [
          pass(
            'sinks',
            sinksSource,
            numHeads,
            [
              maskedPart,
              sinkPart(problem),
              statePart('read'),
              {
                bindings: [{ name: 'dsinks', tensor: 'dsinks', access: 'read_write', type: 'array<f32>' }],
                fragments: [],
                params: {},
              },
            ],
            {},
          ),
        ]
      : []),
  ].filter(({ workgroups }) => sizeOf(workgroups) > 0)
}

const bitsOfLse: Part = {
  bindings: [{ name: 'lse', tensor: 'lse', access: 'read', type: 'array<u32>' }],
  fragments: [],
  params: {},
}

function statePart(access: Binding['access']): Part {
  return {
    bindings: [{ name: 'row_state', tensor: 'rowState', access, type: 'array<vec2<f32>>' }],
    fragments: [stateSource],
    params: {},
  }
}

/** Declares `dlse_of(index)`: the gradient by the LSE, 0 if the loss does not depend on it. */
function lossPart(hasDlse: boolean): Part {
  return {
    bindings: hasDlse ? [{ name: 'dlse', tensor: 'dlse', access: 'read', type: 'array<f32>' }] : [],
    fragments: [`fn dlse_of(index: u32) -> f32 { return ${hasDlse ? 'dlse[index]' : '0.0'}; }`],
    params: {},
  }
}

/** Declares `bend_of(product)`: the derivative of the softcap, 1 − tanh² = 4e / (1 + e)² with e = e^(−2 |product|). */
function bendPart({ options: { softcap } }: AttentionProblem): Part {
  const body =
    softcap === undefined
      ? 'return 1.0;'
      : 'let e = exp2(-2.8853900817779268 * abs(product)); return 4.0 * e / ((1.0 + e) * (1.0 + e));'
  return text(`fn bend_of(product: f32) -> f32 { ${body} }`)
}

/** Declares `row4(batch, head, row, chunk)`: the rows that multiply the weights of a tile of keys. */
function rowPart(name: 'q' | 'g'): Part {
  return text(
    `fn row4(batch: u32, head: u32, row: u32, chunk: u32) -> vec4<f32> { return ${name}4(${name}_at(batch, head, row), chunk); }`,
  )
}

function text(...fragments: readonly string[]): Part {
  return { bindings: [], fragments, params: {} }
}
