import type { EncodeNow } from '../../encode/index.ts'
import { rowBytesOf } from '../../format/block-format.ts'
import { type BlockType, ggmlBlockTypes, ggmlFormat } from '../../format/index.ts'
import type { LinearStatistics } from '../../quantized-matrix/index.ts'
import { importanceOf, type WeightMatrix } from '../matrix/index.ts'
import { blockTarget, createBlockStore } from './block-target.ts'
import type { GptqResult } from './gptq.ts'
import { correctTargets, hopelessNote, prepareSweep, type SweepOptions } from './prepare.ts'
import { refine } from './refine.ts'
import { sweep } from './sweep.ts'

/** Options of `gptqBlocks`. */
export interface GptqBlocksOptions extends Omit<SweepOptions, 'order'> {
  readonly order?: 'stored' | 'groups' | undefined
  /**
   * Makes blocks to the bytes of `format.encode`, which it is where absent; `createWasmEncoder` is many times as fast.
   */
  readonly encode?: EncodeNow | undefined
}

/** Result of `gptqBlocks`. */
export interface GptqBlocksResult extends Omit<GptqResult, 'matrix'> {
  /** u8 [N, K / blockSize · blockBytes], as a GGUF file stores the type. */
  readonly blocks: Uint8Array
}

/**
 * GPTQ onto a block type of ggml, so that files for llama.cpp are calibrated too. When the sweep comes to a block,
 * ggml's encoder chooses its scales for the weights as they are by then, with the cost of an error in each column as
 * importance; codes are then rounded one after another, each making up for those before it, and gone over again.
 *
 * @param id `q4_0`, `q4_1`, `q5_0`, `q5_1`, `q8_0`, `q2_k` … `q6_k`, `iq4_nl`, `iq4_xs`, `mxfp4` and others that can be
 *   encoded
 * @throws TesseraError as `gptq`; `invalid-shape` if rows are not whole blocks, `invalid-option` for an unknown type,
 *   `unsupported` for one that cannot be encoded
 */
export function gptqBlocks(
  weight: WeightMatrix,
  statistics: LinearStatistics,
  id: string,
  options: GptqBlocksOptions = {},
): GptqBlocksResult {
  const format = ggmlFormat(id)
  const type = ggmlBlockTypes.find((known) => known.id === id) as BlockType
  const { encode = (of, ...rest) => of.encode(...rest) } = options
  rowBytesOf(type, weight.shape)
  const [rows, columns] = weight.shape
  const prepared = prepareSweep(weight, statistics, type.blockSize, options)
  if (!prepared) {
    const { blocks } = encode(format, weight.values, weight.shape, { importance: importanceOf(statistics) }) as {
      blocks: Uint8Array
    }
    return { blocks, loss: Number.NaN, damping: undefined, notes: [hopelessNote(weight.shape)] }
  }
  const { factor, hessian, order, passes, multiply, damping, notes } = prepared
  const store = createBlockStore(type, format, encode, rows, columns)
  const loss = prepared.sumSlices((weights, count, first) => {
    correctTargets(weights, count, prepared)
    const target = blockTarget(store, first, count, order)
    const swept = sweep(weights, count, factor, columns, target, type.blockSize, multiply)
    const refined = passes > 0 ? refine(weights, count, hessian, columns, target, passes, multiply) : swept
    target.store()
    return refined
  })
  return { blocks: store.blocks, loss: loss / Math.max(statistics.count, 1), damping, notes }
}
