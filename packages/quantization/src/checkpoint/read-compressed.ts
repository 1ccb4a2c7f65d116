import { decodeElements, viewBytes } from '@tessera-llm/tensor'
import { codebookGrid, type IntegerGrid, type QuantizedMatrix } from '../quantized-matrix/index.ts'
import { checkGroups, groupOf, integerMatrix } from './matrix.ts'
import {
  cannotStore,
  checkShape,
  floatsOf,
  invalidWeight,
  partNamed,
  type StoredPart,
  type StoredParts,
  wordsOf,
} from './parts.ts'
import { codesFromWords, wordsFor } from './words.ts'

/** Quantization of one set of layers: an entry of `config_groups`. */
export interface CompressedScheme {
  readonly bits: number
  readonly type: 'int' | 'float'
  /** Columns that share a scale, where the strategy is `group`. */
  readonly groupSize?: number | undefined
  /** Rows and columns that share a scale, where the strategy is `block`. */
  readonly block?: readonly [rows: number, columns: number] | undefined
  /** Whether inputs are to be rounded to int8 with one scale for all, which is stored beside the weight. */
  readonly hasStaticInputs?: boolean | undefined
}

/**
 * Reads a weight [N, K] of compressed-tensors (vLLM's project of that name): `weight_packed` i32, each row a stream of
 * bits along K (in files of before 2026 ⌊32 / bits⌋ codes to a word, which differs for 3 bits), with `weight_shape`; or
 * `weight` i8 or f8_e4m3 as it is (int-, float- and naive-quantized). `weight_scale` [N, G], [N, 1] or [1];
 * `weight_zero_point` i8, or packed along N; `weight_g_idx` i32 [K]. Integers are signed in the file.
 *
 * @param skipCodes leaves the codes empty and does not look at the weight but for its shape
 * @throws TesseraError `invalid-file` naming layer and part, `unsupported` for schemes that are not integers of 2 to 4
 *   or 8 bits, or e4m3
 */
export function readCompressed(
  layer: string,
  parts: StoredParts,
  scheme: CompressedScheme,
  skipCodes = false,
): QuantizedMatrix {
  const shape = shapeOf(layer, parts, scheme)
  const [rows, columns] = shape
  const scale = partNamed(layer, parts, 'weight_scale')
  const values = floatsOf(layer, parts, 'weight_scale')
  const scaleType = scale.format as 'f16'
  const { scales, group } = scheme.block
    ? blockScales(layer, scale, values, shape, scheme.block)
    : { scales: values, group: scaleGroup(layer, scale, values, shape, scheme.groupSize) }
  const groups = group === 'tensor' ? 1 : Math.ceil(columns / (group === 'row' ? columns : group))
  const order = parts['weight_g_idx']
  let groupOfColumn: Int32Array | undefined
  if (order) {
    if (order.format !== 'i32') throw invalidWeight(`${layer}.weight_g_idx`, `must be i32, but is ${order.format}`)
    checkShape(`${layer}.weight_g_idx`, order, [columns])
    const indices = viewBytes(order.bytes, 'i32') as Int32Array
    // Files keep an unused index as −1 everywhere.
    if (indices.some((index) => index !== -1))
      checkGroups(`${layer}.weight_g_idx`, order, (groupOfColumn = indices), groups)
  }
  if (scheme.type === 'float') {
    const { format, bytes } = partNamed(layer, parts, 'weight')
    if (format !== 'fp8_e4m3')
      throw invalidWeight(`${layer}.weight`, `must be f8_e4m3 for 8-bit floats, but is ${format}`)
    const index = bytes.findIndex((code) => (code & 0x7f) === 0x7f)
    if (index >= 0) throw invalidWeight(`${layer}.weight`, `is not a number at index ${index}; the file is damaged`)
    return {
      shape,
      grid: codebookGrid('fp8_e4m3', group, scaleType),
      codes: skipCodes ? new Uint8Array() : bytes.slice(),
      scales,
    }
  }
  const bits = integerBits(layer, scheme)
  const middle = 2 ** (bits - 1)
  const spans = group === 'tensor' ? 1 : rows
  return integerMatrix({
    shape,
    bits,
    group,
    scales,
    scaleType,
    groupOfColumn,
    codes: skipCodes ? new Uint8Array() : codesOf(layer, parts, shape, bits, middle),
    zeros: zerosFrom(layer, parts, spans, groups, bits, middle),
  })
}

function olderLayout(bits: number): { readonly bits: number; readonly perWord: number } {
  return { bits, perWord: Math.floor(32 / bits) }
}

/** The layout in which `count` codes take that many words; a stream of bits where both would. */
function layoutOf(words: number, count: number, bits: number): { readonly bits: number; readonly perWord?: number } {
  return words === wordsFor(count, { bits }) ? { bits } : olderLayout(bits)
}

function integerBits(layer: string, { bits }: CompressedScheme): IntegerGrid['bits'] {
  if (bits === 2 || bits === 3 || bits === 4 || bits === 8) return bits
  return cannotStore('compressed-tensors', `${layer} has integers of ${bits} bits`, '2, 3, 4 and 8 are read')
}

function shapeOf(layer: string, parts: StoredParts, { bits }: CompressedScheme): readonly [number, number] {
  const packed = parts['weight_packed']
  if (!packed) {
    const { shape } = partNamed(layer, parts, 'weight')
    if (shape.length !== 2 || !((shape[0] ?? 0) > 0 && (shape[1] ?? 0) > 0))
      throw invalidWeight(`${layer}.weight`, `must be a matrix, but has the shape [${shape.join(', ')}]`)
    return [shape[0] as number, shape[1] as number]
  }
  const { format, bytes, shape } = partNamed(layer, parts, 'weight_shape')
  if ((format !== 'i64' && format !== 'i32') || shape.length !== 1 || shape[0] !== 2)
    throw invalidWeight(`${layer}.weight_shape`, `must be two i64, but is ${format} [${shape.join(', ')}]`)
  const [rows = 0, columns = 0] = decodeElements(viewBytes(bytes, format), format, 2)
  // Before anything of that size is made: the words must be there.
  const fits =
    bits >= 1 &&
    bits <= 8 &&
    [wordsFor(columns, { bits }), wordsFor(columns, olderLayout(bits))].includes(packed.shape[1] as number)
  if (!(rows > 0 && columns > 0) || packed.shape[0] !== rows || !fits)
    throw invalidWeight(
      `${layer}.weight_shape`,
      `says ${rows} × ${columns}, which does not fit ${bits}-bit codes in weight_packed [${packed.shape.join(', ')}]`,
    )
  return [rows, columns]
}

function codesOf(
  layer: string,
  parts: StoredParts,
  [rows, columns]: readonly [number, number],
  bits: number,
  middle: number,
): Uint8Array {
  if (parts['weight_packed']) {
    const perRow = parts['weight_packed'].shape[1] as number
    const layout = layoutOf(perRow, columns, bits)
    return codesFromWords(wordsOf(layer, parts, 'weight_packed', [rows, perRow]), rows, columns, {
      ...layout,
      wordStride: 1,
      lineStride: perRow,
    })
  }
  const { format, bytes } = partNamed(layer, parts, 'weight')
  if (format !== 'i8') throw invalidWeight(`${layer}.weight`, `must be i8 for integers, but is ${format}`)
  return unsigned(`${layer}.weight`, bytes, middle)
}

function zerosFrom(
  layer: string,
  parts: StoredParts,
  spans: number,
  groups: number,
  bits: number,
  middle: number,
): Float32Array | undefined {
  const part = parts['weight_zero_point']
  if (!part) return undefined
  if (part.format === 'i8') {
    if (part.bytes.length !== spans * groups)
      throw invalidWeight(
        `${layer}.weight_zero_point`,
        `must have one zero for each of the ${spans * groups} scales, but has ${part.bytes.length}`,
      )
    return Float32Array.from(unsigned(`${layer}.weight_zero_point`, part.bytes, middle))
  }
  const layout = layoutOf(part.shape[0] ?? 0, spans, bits)
  const words = wordsOf(layer, parts, 'weight_zero_point', [wordsFor(spans, layout), groups])
  const byGroup = codesFromWords(words, groups, spans, { ...layout, wordStride: groups, lineStride: 1 })
  return Float32Array.from(
    { length: spans * groups },
    (_, i) => byGroup[(i % groups) * spans + Math.floor(i / groups)] as number,
  )
}

/** Signed bytes to codes from 0 on. */
function unsigned(what: string, bytes: Uint8Array, middle: number): Uint8Array {
  const out = new Uint8Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const code = (((bytes[i] as number) << 24) >> 24) + middle
    if (code < 0 || code >= 2 * middle)
      throw invalidWeight(what, `holds ${code - middle} at index ${i}, beyond −${middle} … ${middle - 1}`)
    out[i] = code
  }
  return out
}

function scaleGroup(
  layer: string,
  part: StoredPart,
  scales: Float32Array,
  [rows, columns]: readonly [number, number],
  groupSize: number | undefined,
): number | 'row' | 'tensor' {
  if (scales.length === 1 && (rows > 1 || groupSize === undefined)) return 'tensor'
  const groups = part.shape[1] ?? 1
  if (part.shape[0] !== rows || scales.length !== rows * groups)
    throw invalidWeight(
      `${layer}.weight_scale`,
      `must have a scale for each row, or one in all, but has the shape [${part.shape.join(', ')}] for ${rows} × ${columns}`,
    )
  return groupOf(`${layer}.weight_scale`, columns, groups, groupSize)
}

/** Scales of blocks of rows and columns, one for each row of theirs. */
function blockScales(
  layer: string,
  part: StoredPart,
  values: Float32Array,
  [rows, columns]: readonly [number, number],
  [height, width]: readonly [number, number],
): { readonly scales: Float32Array; readonly group: number } {
  const groups = Math.ceil(columns / width)
  checkShape(`${layer}.weight_scale`, part, [Math.ceil(rows / height), groups])
  return {
    scales: Float32Array.from(
      { length: rows * groups },
      (_, i) => values[Math.floor(i / groups / height) * groups + (i % groups)] as number,
    ),
    group: width,
  }
}
