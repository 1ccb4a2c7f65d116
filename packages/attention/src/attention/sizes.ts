import {
  type DType,
  denseSpec,
  formatShape,
  type InputSpecs,
  type Shape,
  type TensorSpec,
  TesseraError,
  type WeightSpec,
} from '@tessera-llm/tensor'
import { kvCodesOf } from '../kv-format/index.ts'
import type { AttentionInputs, AttentionOptions, Layout } from './contract.ts'

/** Axis lengths of an attention call. */
export interface AttentionSizes {
  readonly batch: number
  /** Number of sequences: N packed ones, otherwise the batch size. */
  readonly numSequences: number
  readonly numHeads: number
  readonly numKvHeads: number
  /** Length of the axis L of q, over all packed sequences. */
  readonly seqLenQ: number
  /** Keys of a sequence that can exist at once. */
  readonly seqLenKv: number
  /** Pages per sequence and rows per page with a block table, otherwise 0. */
  readonly pages: number
  readonly pageRows: number
  readonly headDim: number
  readonly valueDim: number
}

/**
 * Checks shapes, dtypes and options, and returns the axis lengths. Throws `invalid-shape`, `invalid-dtype` or
 * `invalid-option`.
 */
export function attentionSizes(inputs: InputSpecs<AttentionInputs>, options: AttentionOptions): AttentionSizes {
  checkOptions(options)
  const q = spec4(inputs.q, 'q', ['f32'])
  const k = stored4(inputs, 'k')
  const v = stored4(inputs, 'v')
  const { layout = 'bhld', kvLayout = layout } = options
  const [batch, numHeads, seqLenQ, headDim] = axes(q.shape, layout)
  const [batchK, numKvHeads, lengthK, keyDim] = axes(k.shape, kvLayout)
  const [batchV, headsV, lengthV, valueDim] = axes(v.shape, kvLayout)
  if (kvLayout !== 'bhld' && (inputs.k.kind === 'packed' || inputs.v.kind === 'packed'))
    throw new TesseraError(
      'invalid-option',
      'attention: packed k and v have the axes [B, Hkv, Lkv, D]; set kvLayout to bhld',
    )
  const pages = pagesOf(inputs, kvLayout, batch)
  const require = (holds: boolean, rule: string): void => {
    if (!holds)
      throw new TesseraError(
        'invalid-shape',
        `attention: ${rule} (q ${formatShape(q.shape)} ${layout}, k ${formatShape(k.shape)}, v ${formatShape(v.shape)} ${kvLayout})`,
      )
  }
  require(batchK === batchV &&
    (batch === batchK || inputs.blockTable !== undefined), 'q, k and v must have one batch size')
  require(keyDim === headDim, `the head size of k (${keyDim}) must be that of q (${headDim})`)
  require(headDim > 0 && valueDim > 0, 'the head sizes must be at least 1')
  require(headsV === numKvHeads && lengthV === lengthK, 'k and v must have the same heads and length')
  require(numKvHeads > 0 &&
    numHeads % numKvHeads === 0, `numHeads (${numHeads}) must be a multiple of numKvHeads (${numKvHeads})`)
  const seqLenKv = pages === 0 ? lengthK : pages * lengthK
  const numSequences = sequencesOf(inputs, require, batch, seqLenQ === seqLenKv)
  checkSide(inputs.kvLengths, 'i32', [[batch]], 'kvLengths')
  checkSide(inputs.sinks, 'f32', [[numHeads]], 'sinks')
  checkSide(inputs.alibiSlopes, 'f32', [[numHeads]], 'alibiSlopes')
  const perScore = [batch, 1].flatMap((b) => [numHeads, 1].flatMap((h) => [seqLenQ, 1].map((l) => [b, h, l, seqLenKv])))
  checkSide(inputs.bias, 'f32', perScore, 'bias')
  checkSide(inputs.mask, 'u8', perScore, 'mask')
  return {
    batch,
    numSequences,
    numHeads,
    numKvHeads,
    seqLenQ,
    seqLenKv,
    pages,
    pageRows: pages === 0 ? 0 : lengthK,
    headDim,
    valueDim,
  }
}

/** Checks the block table and the inputs that exclude it. Returns the pages per sequence, 0 without a table. */
function pagesOf(
  { blockTable, kvLengths, cuSeqLens, bias, mask }: InputSpecs<AttentionInputs>,
  kvLayout: Layout,
  batch: number,
): number {
  if (blockTable === undefined) return 0
  const { dtype, shape } = denseSpec(blockTable, 'attention', 'blockTable')
  if (dtype !== 'i32' || shape.length !== 2 || shape[0] !== batch || (shape[1] ?? 0) < 1)
    throw new TesseraError(
      'invalid-shape',
      `attention: blockTable must be i32 [${batch}, P] for P ≥ 1 pages, not ${dtype} ${formatShape(shape)}`,
    )
  const refuse = (rule: string): never => {
    throw new TesseraError('invalid-option', `attention: with a blockTable ${rule}`)
  }
  if (kvLayout !== 'bhld') refuse('k and v are pages [N, Hkv, R, D]; set kvLayout to bhld')
  if (kvLengths === undefined) refuse('kvLengths says how many keys there are; it is required')
  if (cuSeqLens !== undefined) refuse('the sequences are rows of the batch; leave out cuSeqLens')
  if (bias !== undefined || mask !== undefined)
    refuse('the number of keys is not bounded by a shape, which bias and mask need; leave them out')
  return shape[1] as number
}

function checkOptions({ isCausal, windowLeft, windowRight, softcap, scale, layout, kvLayout }: AttentionOptions): void {
  for (const [name, value] of Object.entries({ windowLeft, windowRight })) {
    if (value !== undefined && (!Number.isInteger(value) || value < 0 || value >= 2 ** 30))
      throw new TesseraError(
        'invalid-option',
        `attention: ${name} must be an integer from 0 to 2^30 − 1, not ${value}; leave it out for no limit`,
      )
  }
  if (isCausal && (windowRight ?? 0) > 0)
    throw new TesseraError(
      'invalid-option',
      `attention: windowRight (${windowRight}) contradicts isCausal; leave one of them out`,
    )
  if (softcap !== undefined && !(softcap > 0 && Number.isFinite(softcap)))
    throw new TesseraError(
      'invalid-option',
      `attention: softcap must be positive and finite, not ${softcap}; leave it out for none`,
    )
  if (scale !== undefined && !Number.isFinite(scale))
    throw new TesseraError('invalid-option', `attention: scale must be finite, not ${scale}`)
  for (const [name, value] of Object.entries({ layout, kvLayout })) {
    if (value !== undefined && value !== 'bhld' && value !== 'blhd')
      throw new TesseraError('invalid-option', `attention: ${name} must be bhld or blhd, not ${String(value)}`)
  }
}

/** Checks how sequences are packed or batched, and returns their number. */
function sequencesOf(
  inputs: InputSpecs<AttentionInputs>,
  require: (holds: boolean, rule: string) => void,
  batch: number,
  haveEqualLengths: boolean,
): number {
  const { cuSeqLens, cuSeqLensKv, kvLengths } = inputs
  if (cuSeqLens === undefined) {
    if (cuSeqLensKv !== undefined)
      throw new TesseraError(
        'invalid-option',
        'attention: cuSeqLensKv needs cuSeqLens, which says where the sequences of q are',
      )
    return batch
  }
  if (kvLengths !== undefined)
    throw new TesseraError(
      'invalid-option',
      'attention: cuSeqLens and kvLengths contradict each other; packed sequences say their key lengths by cuSeqLensKv',
    )
  require(batch === 1, `packed sequences (cuSeqLens) lie in one batch row, not in ${batch}`)
  require(cuSeqLensKv !== undefined ||
    haveEqualLengths, 'without cuSeqLensKv, packed sequences have as many keys as queries')
  const packed = denseSpec(cuSeqLens, 'attention', 'cuSeqLens')
  const entries = packed.shape[0] ?? 0
  if (packed.dtype !== 'i32' || packed.shape.length !== 1 || entries < 2) {
    throw new TesseraError(
      'invalid-shape',
      `attention: cuSeqLens must be i32 [N + 1] for N ≥ 1 sequences, not ${packed.dtype} ${formatShape(packed.shape)}`,
    )
  }
  checkSide(cuSeqLensKv, 'i32', [[entries]], 'cuSeqLensKv')
  return entries - 1
}

/** Returns the spec of k or v: dense, or in a cache format. */
function stored4(inputs: InputSpecs<AttentionInputs>, name: 'k' | 'v'): WeightSpec {
  const spec = inputs[name]
  if (spec?.kind !== 'packed') return spec4(spec, name, ['f32', 'f16'])
  const codes = kvCodesOf(spec)
  if (codes === undefined)
    throw new TesseraError(
      'invalid-dtype',
      `attention: ${name} must be f32, f16 or in a format of a cache, not ${spec.format.id}@${spec.format.version}`,
    )
  if (codes.unit === 'group' && codes.along !== (name === 'k' ? 'channel' : 'token'))
    throw new TesseraError(
      'invalid-dtype',
      `attention: ${name} is packed along ${codes.along}s; keys are packed by channel and values by token`,
    )
  if (codes.unit === 'group' && inputs.blockTable !== undefined)
    throw new TesseraError(
      'invalid-option',
      `attention: ${spec.format.id} packs tokens that are neighbours, which pages of a blockTable are not; use a format of rows`,
    )
  if (spec.shape.length !== 4)
    throw new TesseraError('invalid-shape', `attention: ${name} must have four axes, not ${formatShape(spec.shape)}`)
  return spec
}

function spec4(spec: InputSpecs[string], name: string, dtypes: readonly DType[]): TensorSpec {
  const found = denseSpec(spec, 'attention', name)
  if (!dtypes.includes(found.dtype))
    throw new TesseraError('invalid-dtype', `attention: ${name} must be ${dtypes.join(' or ')}, not ${found.dtype}`)
  if (found.shape.length !== 4)
    throw new TesseraError('invalid-shape', `attention: ${name} must have four axes, not ${formatShape(found.shape)}`)
  return found
}

function axes(
  [batch = 0, second = 0, third = 0, width = 0]: Shape,
  layout: Layout,
): readonly [number, number, number, number] {
  return layout === 'bhld' ? [batch, second, third, width] : [batch, third, second, width]
}

function checkSide(spec: InputSpecs[string], dtype: DType, shapes: readonly (readonly number[])[], name: string): void {
  if (spec === undefined) return
  const found = denseSpec(spec, 'attention', name)
  if (found.dtype !== dtype)
    throw new TesseraError('invalid-dtype', `attention: ${name} must be ${dtype}, not ${found.dtype}`)
  if (!shapes.some((shape) => shape.join() === found.shape.join())) {
    const broadcast = shapes.length > 1 ? ', or with 1 for axes before the last' : ''
    throw new TesseraError(
      'invalid-shape',
      `attention: ${name} must be ${formatShape(shapes[0] ?? [])}${broadcast}, not ${formatShape(found.shape)}`,
    )
  }
}
