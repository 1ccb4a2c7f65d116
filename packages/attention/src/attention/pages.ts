import type { HostInputs, HostTensor } from '@tessera-llm/tensor'
import type { AttentionInputs } from './contract.ts'
import type { AttentionSizes } from './sizes.ts'

/**
 * Gathers keys and values of each sequence in order, [B, Hkv, Lkv, D], from the pages of a block table; without one,
 * returns them as they are.
 */
export function gatherPages(
  { k, v, blockTable, kvLengths }: HostInputs<AttentionInputs>,
  sizes: AttentionSizes,
): { readonly k: HostTensor; readonly v: HostTensor; readonly sizes: AttentionSizes & { readonly keptKeys?: number } } {
  if (!blockTable || !kvLengths) return { k, v, sizes }
  const { batch, numKvHeads, pages, pageRows, seqLenKv } = sizes
  const lengths = Array.from(kvLengths.data, (length) => Math.max(0, length))
  const longest = Math.max(0, ...lengths)
  const gather = ({ dtype, shape, data }: HostTensor): HostTensor => {
    const width = shape[3] ?? 0
    // Missing keys must not matter, so they are NaN.
    const gathered = new Float64Array(batch * numKvHeads * longest * width).fill(Number.NaN)
    for (const [b, length] of lengths.entries()) {
      for (let j = Math.max(0, length - seqLenKv); j < length; j++) {
        const page = blockTable.data[b * pages + (Math.floor(j / pageRows) % pages)] as number
        for (let head = 0; head < numKvHeads; head++) {
          const from = ((page * numKvHeads + head) * pageRows + (j % pageRows)) * width
          gathered.set(data.subarray(from, from + width), ((b * numKvHeads + head) * longest + j) * width)
        }
      }
    }
    return { dtype, shape: [batch, numKvHeads, longest, width], data: gathered }
  }
  return { k: gather(k), v: gather(v), sizes: { ...sizes, seqLenKv: longest, keptKeys: seqLenKv } }
}
