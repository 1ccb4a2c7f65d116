import type { WeightReader } from '@tessera-llm/kernels/webgpu'
import type { WeightSpec } from '@tessera-llm/tensor'
import { type BlockType, ggmlBlockTypes } from '../format/index.ts'
import alignedWords from './aligned-words.wgsl'
import crumbs from './crumbs.wgsl'
import e2m1Levels from './e2m1-levels.wgsl'
import fields from './fields.wgsl'
import iq4Levels from './iq4-levels.wgsl'
import iq4nl from './iq4-nl.wgsl'
import iq4xs from './iq4-xs.wgsl'
import kScales from './k-scales.wgsl'
import levels from './levels.wgsl'
import mxfp4 from './mxfp4.wgsl'
import nvfp4 from './nvfp4.wgsl'
import packedBytes from './packed-bytes.wgsl'
import q2k from './q2-k.wgsl'
import q3k from './q3-k.wgsl'
import q40 from './q4-0.wgsl'
import q41 from './q4-1.wgsl'
import q4k from './q4-k.wgsl'
import q50 from './q5-0.wgsl'
import q51 from './q5-1.wgsl'
import q5k from './q5-k.wgsl'
import q6k from './q6-k.wgsl'
import q80 from './q8-0.wgsl'
import tq10 from './tq1-0.wgsl'
import tq20 from './tq2-0.wgsl'
import unalignedWords from './unaligned-words.wgsl'

/** WGSL of `scale_of`, `codes_of` and, but for tq1_0, whose codes are digits, `packed_codes_of` by block type. */
const sources: Readonly<Record<string, readonly string[]>> = {
  q4_0: [q40],
  q4_1: [q41],
  q5_0: [q50],
  q5_1: [q51],
  q8_0: [q80],
  q4_k: [kScales, q4k],
  q5_k: [kScales, q5k],
  q6_k: [q6k],
  q2_k: [crumbs, q2k],
  q3_k: [crumbs, q3k],
  iq4_nl: [iq4Levels, levels, iq4nl],
  iq4_xs: [iq4Levels, levels, iq4xs],
  tq1_0: [tq10],
  tq2_0: [crumbs, tq20],
  mxfp4: [e2m1Levels, levels, mxfp4],
  nvfp4: [e2m1Levels, levels, nvfp4],
}

/** Readers of ggml blocks as a file stores them: one part `blocks`, whose rows may have any number of bytes. */
export const blockReaders: readonly WeightReader[] = ggmlBlockTypes.flatMap((type) => {
  const source = sources[type.id]
  return source ? [blockReader(type, source)] : []
})

function blockReader(
  { id, blockSize, blockBytes, groupSize, hasMinimum }: BlockType,
  source: readonly string[],
): WeightReader {
  const sizes = `const BLOCK = ${blockSize}u;\nconst BLOCK_BYTES = ${blockBytes}u;`
  return {
    name: id,
    supports: (weight) =>
      (weight.kind === 'packed' && weight.format.id === id && weight.format.version === 1) ||
      `reads ${id}, not ${nameOf(weight)}`,
    groupSize: () => groupSize,
    hasMinimum: () => hasMinimum,
    hasPackedCodes: () => id !== 'tq1_0',
    bindings: () => [{ name: 'blocks', tensor: 'weight.blocks', access: 'read', type: 'array<u32>' }],
    fragments: () => [sizes, blockBytes % 4 === 0 ? alignedWords : unalignedWords, fields, packedBytes, ...source],
  }
}

function nameOf(weight: WeightSpec): string {
  return weight.kind === 'dense' ? `dense ${weight.dtype}` : `${weight.format.id}@${weight.format.version}`
}
