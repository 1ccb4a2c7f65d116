import { type Activations, linearOp, type RoundingOptions } from '@tessera-llm/kernels'
import { type Capabilities, lastAxis, rowsOf, type WeightSpec } from '@tessera-llm/tensor'
import { type ArgumentWriter, type Bindings, defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { quantizationModule } from '../generated/quantization.ts'
import { rows8LayoutOf } from '../rows8/format.ts'
import { blocksOf, layoutWords, type Rows8Layout } from '../rows8/layout.ts'

/** `true`, or why a weight is not in one of our layouts. */
export function fitsRows8(weight: WeightSpec): true | string {
  if (weight.kind === 'dense') return 'the weight is dense'
  return (
    rows8LayoutOf(weight.format) !== undefined ||
    `the weight is packed as ${weight.format.id}@${weight.format.version}, not as one of the formats …/rows8@1`
  )
}

export function layoutOf(weight: WeightSpec): Rows8Layout {
  return (weight.kind === 'packed' ? rows8LayoutOf(weight.format) : undefined) as Rows8Layout
}

/**
 * What is added to codes so that the platform's dot product that adds takes them: 128 to signed ones where it takes
 * unsigned. Levels have a signed and an unsigned byte.
 */
export function shiftOf({ codes }: Rows8Layout, { dotAdd }: Capabilities): number {
  const isSigned = codes === 'bytes' || codes === 'iq4' || codes.startsWith('levels')
  return dotAdd === 'unsigned' && isSigned ? 128 : 0
}

/** Whether codes are floats of 8 bits. */
export function hasFloats(weight: WeightSpec): boolean {
  const { codes } = layoutOf(weight)
  return codes === 'e4m3' || codes === 'e5m2'
}

export interface Sizes {
  readonly tokens: number
  readonly rows: number
  readonly columns: number
  readonly perThread: number
  readonly rounding: RoundingOptions
}

/**
 * The argument block that all entries of `linear` share; `records` is how far behind the threads' scratch those begin,
 * `shift` what is added to signed codes.
 */
export function writeArguments(
  write: ArgumentWriter,
  at: Bindings,
  weight: WeightSpec,
  { tokens, rows, columns, perThread, rounding }: Sizes,
  records = 0,
  shift = 0,
): void {
  write
    .u32(at.address('x'))
    .u32(at.address('weight.groups'))
    .u32(at.address('bias'))
    .u32(at.address('residual'))
    .u32(at.address('y'))
    .u32(tokens)
    .u32(rows)
    .u32(columns)
    .u32(at.scratch)
    .u32(perThread)
    .u32(at.scratch + perThread * at.threads + records)
    .u32(roundings[rounding.activations ?? 'f32'])
    .f32(rounding.inputScale ?? 0)
    .u32(shift)
  for (const word of layoutWords(layoutOf(weight))) write.u32(word)
}

/** Bytes of a tile's results, and of the padding at the end of a row. */
const tileBytes = 256
/**
 * Scratch bytes: the decoded panel of each block, and its codes widened; or for one token 64 bytes of sums and 92 of a
 * record.
 */
export const int8Bytes = (columns: number): number => align(tileBytes + blocksOf(columns) * (384 + 512))
/** Scratch bytes: the decoded panel of each block, then as f32; the sums of a tile between them. */
const exactBytes = (columns: number): number => align(192 + blocksOf(columns) * (384 + 1024))

/** Bytes of the L2 cache that groups decoded for many tokens may fill. */
const panelsBytes = 2 ** 18

/** Groups of widened codes: as many as the cache holds, one at least. */
export function rowsBytes(columns: number): number {
  const panel = Math.max(1, blocksOf(columns)) * 512
  return tileBytes + Math.max(1, Math.floor(panelsBytes / panel)) * panel
}

export function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64
}

/** int8 records of all tokens, padded to four: at most 64 bytes of codes and 28 of fields for 32 columns of a token. */
function recordBytes(tokens: number, columns: number): number {
  return tokens === 1 ? 0 : Math.ceil(tokens / 4) * 4 * blocksOf(columns) * 92
}

/** Several tokens, column by column: f32, filled up to a multiple of 4 at most; whole lines of 64 bytes. */
function laidBytes(tokens: number, columns: number): number {
  return tokens > 1 ? align(Math.ceil(tokens / 4) * columns * 16) : 0
}

export function sizesOf(
  x: { readonly shape: readonly number[] },
  weight: WeightSpec,
  perThread: number,
  rounding: RoundingOptions,
): Sizes {
  const [rows = 0, columns = 0] = weight.shape
  return { tokens: rowsOf(x.shape), rows, columns, perThread, rounding }
}

/** Writes the arguments of a product with codes as the platform's dot product that adds takes them. */
export function codeArguments(
  weight: WeightSpec,
  sizes: Sizes,
  capabilities: Capabilities,
): (write: ArgumentWriter, at: Bindings) => void {
  const shift = shiftOf(layoutOf(weight), capabilities)
  return (write, at) => writeArguments(write, at, weight, sizes, 0, shift)
}

/** Codes of the roundings in `assembly/rows8/activations.ts`. */
const roundings: Readonly<Record<Activations, number>> = {
  int8: 0,
  'int8-token': 1,
  f32: 2,
  'int8-static': 3,
  'int4-token': 4,
}

/**
 * Rounded activations: a dot product of integers for each block, one token at a time or four. Codes of 4 bits are read
 * as those of 8: they save nothing here.
 */
export const rows8Int8Wasm: WasmKernel = defineWasmKernel(linearOp, {
  name: 'rows8-int8',
  module: quantizationModule,
  supports({ inputs: { weight }, options: { activations = 'f32' } }) {
    if (activations === 'f32') return 'the call asks for f32 activations'
    const fits = fitsRows8(weight)
    if (fits !== true) return fits
    return !hasFloats(weight) || 'floats of 8 bits are no integers'
  },
  stages({ inputs: { x, weight }, options }, capabilities) {
    const sizes = sizesOf(x, weight, int8Bytes(lastAxis(x.shape)), options)
    const args = codeArguments(weight, sizes, capabilities)
    if (sizes.tokens === 1) return [{ entry: capabilities['dotAdd'] ? 'gemvDotAdd' : 'gemvInt8', args }]
    return [
      { entry: 'quantizeTokens', args },
      { entry: 'gemmInt8', args },
    ]
  },
  scratchBytes({ inputs: { x } }, threads) {
    const columns = lastAxis(x.shape)
    return int8Bytes(columns) * threads + recordBytes(rowsOf(x.shape), columns)
  },
})

/** W8A8: codes of 8 bits with one scale a row, activations with one a token or for all: sums run over whole rows. */
export const rows8RowsWasm: WasmKernel = defineWasmKernel(linearOp, {
  name: 'rows8-w8a8',
  priority: 10,
  module: quantizationModule,
  supports({ inputs: { x, weight }, options: { activations = 'f32' } }) {
    if (activations === 'f32' || activations === 'int8')
      return 'the call does not ask for activations with one scale a token, or for all'
    const fits = fitsRows8(weight)
    if (fits !== true) return fits
    const { codes, scales, superBlocks } = layoutOf(weight)
    if (codes !== 'bytes' || scales !== 'f32' || superBlocks < blocksOf(lastAxis(weight.shape)))
      return 'the weight does not have 8 bits and one scale a row'
    return rowsOf(x.shape) > 1 || 'one token is read as it comes'
  },
  stages({ inputs: { x, weight }, options }) {
    const sizes = sizesOf(x, weight, rowsBytes(lastAxis(x.shape)), options)
    const args = (write: ArgumentWriter, at: Bindings): void => writeArguments(write, at, weight, sizes)
    return [
      { entry: 'quantizeRows', args },
      { entry: 'gemmRows', args },
    ]
  },
  scratchBytes({ inputs: { x } }, threads) {
    const columns = lastAxis(x.shape)
    // Four tokens: 256 bytes of codes a block, and their scales.
    return rowsBytes(columns) * threads + Math.ceil(rowsOf(x.shape) / 4) * (blocksOf(columns) * 256 + 16)
  },
})

/** f32 activations: 8 rows at a time are laid out as f32. */
export const rows8ExactWasm: WasmKernel = defineWasmKernel(linearOp, {
  name: 'rows8-exact',
  module: quantizationModule,
  supports({ inputs: { weight }, options: { activations = 'f32' } }) {
    return activations === 'f32' ? fitsRows8(weight) : 'the call asks for rounded activations'
  },
  stages({ inputs: { x, weight } }) {
    const sizes = sizesOf(x, weight, exactBytes(lastAxis(x.shape)), {})
    const args = (write: ArgumentWriter, at: Bindings): void => writeArguments(write, at, weight, sizes)
    const product = { entry: 'exactProduct', args }
    return sizes.tokens > 1 ? [{ entry: 'layTokens', args }, product] : [product]
  },
  scratchBytes({ inputs: { x } }, threads) {
    const columns = lastAxis(x.shape)
    const tokens = rowsOf(x.shape)
    return exactBytes(columns) * threads + laidBytes(tokens, columns)
  },
})

/** Floats of 8 bits, f32 products. Activations are rounded first where they are, and then f32 too. */
export const rows8FloatWasm: WasmKernel = defineWasmKernel(linearOp, {
  name: 'rows8-float',
  priority: 10,
  module: quantizationModule,
  supports({ inputs: { weight } }) {
    const fits = fitsRows8(weight)
    if (fits !== true) return fits
    return hasFloats(weight) || 'the weight is not of floats of 8 bits'
  },
  stages({ inputs: { x, weight }, options }) {
    const sizes = sizesOf(x, weight, exactBytes(lastAxis(x.shape)), options)
    const args = (write: ArgumentWriter, at: Bindings): void => writeArguments(write, at, weight, sizes)
    if (sizes.tokens === 1) return [{ entry: layoutOf(weight).codes === 'e4m3' ? 'gemvE4M3' : 'gemvE5M2', args }]
    const laid = laidBytes(sizes.tokens, sizes.columns)
    // Rounded tokens lie behind the laid out ones, which are made of them.
    const rounded = (at: Bindings): Bindings => ({
      ...at,
      address: (name) => (name === 'x' ? at.scratch + sizes.perThread * at.threads + laid : at.address(name)),
    })
    if (options.activations === undefined || options.activations === 'f32')
      return [
        { entry: 'layTokens', args },
        { entry: 'exactProduct', args },
      ]
    return [
      { entry: 'roundTokens', args: (write, at) => writeArguments(write, at, weight, sizes, laid) },
      { entry: 'layTokens', args: (write, at) => writeArguments(write, rounded(at), weight, sizes) },
      { entry: 'exactProduct', args: (write, at) => writeArguments(write, rounded(at), weight, sizes) },
    ]
  },
  scratchBytes({ inputs: { x } }, threads) {
    const columns = lastAxis(x.shape)
    const tokens = rowsOf(x.shape)
    return exactBytes(columns) * threads + laidBytes(tokens, columns) + (tokens > 1 ? tokens * columns * 4 : 0)
  },
})
