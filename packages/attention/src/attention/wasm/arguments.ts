import type { Problem, Shape, WeightSpec } from '@tessera-llm/tensor'
import type { ArgumentWriter, Bindings } from '@tessera-llm/wasm'
import { groupLayout, kvCodesOf, rowLayout } from '../../kv-format/index.ts'
import type { AttentionInputs, AttentionOptions, AttentionOutputs, Layout } from '../contract.ts'
import { attentionSizes } from '../sizes.ts'

export type AttentionProblem = Problem<AttentionInputs, AttentionOutputs, AttentionOptions>

/** Means no window: more keys than any sequence has. */
const unlimited = 2 ** 30

/** Addresses of keys and values that an earlier stage gathered as [B, Hkv, Lkv, D], and of their lengths. */
export interface Gathered {
  readonly k: number
  readonly v: number
  readonly lengths: number
}

/** Writes the argument block of assembly/call.ts; with `gathered`, over keys that an earlier stage gathered. */
export function writeArguments(
  { inputs, outputs, options }: AttentionProblem,
  perThread: number,
  write: ArgumentWriter,
  at: Bindings,
  gathered?: Gathered,
): void {
  const { batch, numHeads, numKvHeads, numSequences, seqLenQ, seqLenKv, pages, pageRows, headDim, valueDim } =
    attentionSizes(inputs, options)
  const {
    layout = 'bhld',
    kvLayout = layout,
    isCausal = false,
    windowLeft = unlimited,
    windowRight = isCausal ? 0 : unlimited,
    softcap = 0,
    scale = 1 / Math.sqrt(headDim),
  } = options
  write
    .u32(at.address('q'))
    .u32(gathered?.k ?? addressOf(inputs, 'k', at))
    .u32(gathered?.v ?? addressOf(inputs, 'v', at))
    .u32(gathered?.lengths ?? (inputs.kvLengths ? at.address('kvLengths') : 0))
  for (const name of ['sinks', 'alibiSlopes', 'bias', 'mask', 'cuSeqLens'] as const)
    write.u32(inputs[name] ? at.address(name) : 0)
  write
    .u32(inputs.cuSeqLens ? at.address(inputs.cuSeqLensKv ? 'cuSeqLensKv' : 'cuSeqLens') : 0)
    .u32(at.address('o'))
    .u32(outputs.lse ? at.address('lse') : 0)
  for (const size of [batch, numHeads, numKvHeads, seqLenQ, seqLenKv, headDim, valueDim]) write.u32(size)
  for (const stride of strides(layout, numHeads, seqLenQ, headDim)) write.u32(stride)
  const keyRows = gathered || !inputs.blockTable ? seqLenKv : pageRows
  for (const [name, width] of [
    ['k', headDim],
    ['v', valueDim],
  ] as const)
    for (const stride of strides(kvLayout, numKvHeads, keyRows, gathered ? width : unitsOfRow(inputs, name, width)))
      write.u32(stride)
  for (const stride of strides(layout, numHeads, seqLenQ, valueDim)) write.u32(stride)
  write
    .i32(windowLeft)
    .i32(isCausal ? 0 : windowRight)
    .f32(scale)
    .f32(softcap)
  for (const stride of broadcastStrides(inputs.bias?.shape)) write.u32(stride)
  for (const stride of broadcastStrides(inputs.mask?.shape)) write.u32(stride)
  write
    .u32(at.scratch)
    .u32(perThread)
    .u32(at.scratch + perThread * at.threads)
    .u32(storageOf(inputs.k, gathered))
    .u32(storageOf(inputs.v, gathered))
    .u32(numSequences)
  write
    .u32(inputs.blockTable && !gathered ? at.address('blockTable') : 0)
    .u32(pages)
    .u32(pageRows)
}

/** Writes the words that follow for kernels that read packed keys and values, or gather them to `target`. */
export function writeStored(
  { inputs }: AttentionProblem,
  write: ArgumentWriter,
  at: Bindings,
  target?: Gathered,
): void {
  write
    .u32(target?.k ?? 0)
    .u32(target?.v ?? 0)
    .u32(target?.lengths ?? 0)
  for (const name of ['k', 'v'] as const) for (const word of groupWords(inputs, name, at)) write.u32(word)
}

/** Strides in elements along batch, head and row axes. */
function strides(layout: Layout, heads: number, rows: number, width: number): readonly number[] {
  return layout === 'bhld' ? [heads * rows * width, rows * width, width] : [rows * heads * width, width, heads * width]
}

/** Strides of bias and mask: 0 along axes of length 1. */
function broadcastStrides(shape: Shape | undefined): readonly number[] {
  const [batch = 1, heads = 1, rows = 1, keys = 1] = shape ?? []
  return [batch === 1 ? 0 : heads * rows * keys, heads === 1 ? 0 : rows * keys, rows === 1 ? 0 : keys]
}

/** Storage code of assembly/call.ts. Packed keys and values are gathered as f32. */
function storageOf(spec: WeightSpec, gathered: Gathered | undefined): number {
  if (spec.kind === 'dense') return spec.dtype === 'f16' ? 1 : 0
  const codes = kvCodesOf(spec)
  if (codes === undefined || gathered) return 0
  if (codes.unit === 'row') return codes.code === 'int8' ? 2 : 3
  return { 2: 5, 4: 4, 8: 6 }[codes.bits]
}

function addressOf(inputs: AttentionProblem['inputs'], name: 'k' | 'v', at: Bindings): number {
  return at.address(inputs[name].kind === 'packed' ? `${name}.blocks` : name)
}

/** Units of the strides per row: elements, or bytes for rows of codes. */
function unitsOfRow(inputs: AttentionProblem['inputs'], name: 'k' | 'v', width: number): number {
  return kvCodesOf(inputs[name])?.unit === 'row' ? 4 * rowLayout(inputs[name].shape).rowWords : width
}

function groupWords(inputs: AttentionProblem['inputs'], name: 'k' | 'v', at: Bindings): readonly number[] {
  const codes = kvCodesOf(inputs[name])
  if (codes?.unit !== 'group') return [0, 0, 0, 0, 0]
  const { headerWords, groups, groupWords: words, recentAt } = groupLayout(inputs[name].shape, codes)
  const blocks = at.address(`${name}.blocks`)
  return [blocks + 4 * headerWords, groups, 4 * words, blocks + 4 * recentAt, codes.recentRows]
}

/** Rounds up to whole cache lines. */
export function lines64(bytes: number): number {
  return Math.ceil(bytes / 64) * 64
}
