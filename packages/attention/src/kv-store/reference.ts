import { decodeF16, encodeF16, type HostTensor, type Shape } from '@tessera-llm/tensor'
import {
  encodeFp8,
  encodeGroupElement,
  encodeInt8,
  fp8Scale,
  groupLayout,
  groupParameters,
  groupSize,
  headerFields,
  int8Scale,
  type KvCodes,
  rowLayout,
} from '../kv-format/index.ts'

interface Rows {
  readonly x: HostTensor
  readonly positions: HostTensor
  readonly blockTable?: HostTensor | undefined
}

/** Visits row i of every sequence and head that is not dropped, with its elements and its target. */
function visitRows(
  { x, positions, blockTable }: Rows,
  shape: Shape,
  visit: (elements: Float64Array, page: number, head: number, row: number) => void,
): void {
  const [batch = 0, length = 0, heads = 0, width = 0] = x.shape
  const capacity = shape[2] ?? 0
  const pages = blockTable?.shape[1] ?? 0
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < length; i++) {
      const row = (positions.data[b] as number) + i
      if (row < 0 || (!blockTable && row >= capacity)) continue
      const page = blockTable ? (blockTable.data[b * pages + (Math.floor(row / capacity) % pages)] as number) : b
      for (let head = 0; head < heads; head++) {
        const from = ((b * length + i) * heads + head) * width
        visit(x.data.subarray(from, from + width).map(Math.fround), page, head, row)
      }
    }
  }
}

export function storeRows(words: Uint32Array, rows: Rows, shape: Shape, code: 'int8' | 'fp8'): void {
  const [, heads = 0, capacity = 0] = shape
  const { rowWords } = rowLayout(shape)
  const bytes = new Uint8Array(words.buffer)
  const floats = new Float32Array(words.buffer)
  visitRows(rows, shape, (elements, page, head, row) => {
    const at = ((page * heads + head) * capacity + (row % capacity)) * rowWords
    const largest = elements.reduce((most, element) => Math.max(most, Math.abs(element)), 0)
    const scale = code === 'int8' ? int8Scale(largest) : fp8Scale(largest)
    floats[at] = scale
    for (const [d, element] of elements.entries())
      bytes[4 * (at + 1) + d] = code === 'int8' ? encodeInt8(element, scale) : encodeFp8(element, scale)
  })
}

export function storeGroups(
  words: Uint32Array,
  rows: Rows,
  shape: Shape,
  codes: Extract<KvCodes, { unit: 'group' }>,
): void {
  const [batch = 0, heads = 0] = shape
  const layout = groupLayout(shape, codes)
  for (let b = 0; b < batch; b++) {
    const [from = 0, before = 0] = words.subarray(headerFields * b)
    for (
      let group = Math.floor(before / groupSize);
      group < Math.min(layout.groups, Math.floor(from / groupSize));
      group++
    ) {
      for (let head = 0; head < heads; head++) packGroup(words, b * heads + head, group, shape, codes)
    }
  }
  const halves = new Uint16Array(words.buffer)
  visitRows(rows, shape, (elements, b, head, row) => {
    const at =
      layout.recentAt + ((b * heads + head) * codes.recentRows + (row % codes.recentRows)) * layout.recentRowWords
    for (const [d, element] of elements.entries()) halves[2 * at + d] = encodeF16(element)
  })
}

/** Packs 32 tokens of a head from the ring. */
function packGroup(
  words: Uint32Array,
  head: number,
  group: number,
  shape: Shape,
  codes: Extract<KvCodes, { unit: 'group' }>,
): void {
  const width = shape[3] ?? 0
  const { bits, along, recentRows } = codes
  const { headerWords, groups, codeWords, groupWords, recentAt, recentRowWords } = groupLayout(shape, codes)
  const halves = new Uint16Array(words.buffer)
  const element = (t: number, d: number): number =>
    decodeF16(
      halves[
        2 * (recentAt + (head * recentRows + ((group * groupSize + t) % recentRows)) * recentRowWords) + d
      ] as number,
    )
  const at = headerWords + (head * groups + group) * groupWords
  const perWord = 32 / bits
  words.fill(0, at, at + groupWords)
  const pack = (members: readonly (readonly [number, number])[], parameterAt: number): void => {
    const { minimum, scale } = groupParameters(
      members.map(([t, d]) => element(t, d)),
      bits,
    )
    words[at + codeWords + parameterAt] = (minimum | (scale << 16)) >>> 0
    for (const [t, d] of members) {
      const [word, place] =
        along === 'channel'
          ? [Math.floor(d / perWord) * groupSize + t, d % perWord]
          : [Math.floor(t / perWord) * width + d, t % perWord]
      words[at + word] =
        ((words[at + word] as number) | (encodeGroupElement(element(t, d), minimum, scale, bits) << (bits * place))) >>>
        0
    }
  }
  const count = (length: number): readonly number[] => Array.from({ length }, (_, index) => index)
  if (along === 'channel') {
    for (let d = 0; d < width; d++)
      pack(
        count(groupSize).map((t) => [t, d]),
        d,
      )
  } else {
    for (let first = 0; first < width; first += groupSize) {
      for (let t = 0; t < groupSize; t++)
        pack(
          count(Math.min(groupSize, width - first)).map((d) => [t, first + d]),
          first + t,
        )
    }
  }
}
