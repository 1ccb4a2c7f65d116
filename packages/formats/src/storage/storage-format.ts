import { TesseraError } from '@tessera-llm/tensor'
import type { Shape } from '@tessera-llm/tensor'

/** Storage format of elements: rows are whole blocks of `blockElements` elements and `blockBytes` bytes. */
export interface StorageFormat {
  /** Published name in lower case: `q4_k`, `f16`. */
  readonly id: string
  readonly blockElements: number
  readonly blockBytes: number
  /** Type number in GGUF files, if it has one. */
  readonly ggufType?: number
  /** Dtype name in safetensors files, if it has one. */
  readonly safetensorsDtype?: string
}

const plain = (id: string, bytes: number, safetensorsDtype: string, ggufType?: number): StorageFormat => ({
  id,
  blockElements: 1,
  blockBytes: bytes,
  safetensorsDtype,
  ...(ggufType === undefined ? {} : { ggufType }),
})

const block = (ggufType: number, id: string, blockElements: number, blockBytes: number): StorageFormat => ({
  id,
  blockElements,
  blockBytes,
  ggufType,
})

/**
 * All element and block types of the two containers. Sizes and numbers of ggml types: `ggml.h` and `ggml-common.h` of
 * llama.cpp; dtypes of safetensors: the `Dtype` enumeration of its reference implementation.
 */
export const storageFormats: readonly StorageFormat[] = [
  plain('f64', 8, 'F64', 28),
  plain('f32', 4, 'F32', 0),
  plain('f16', 2, 'F16', 1),
  plain('bf16', 2, 'BF16', 30),
  plain('i64', 8, 'I64', 27),
  plain('i32', 4, 'I32', 26),
  plain('i16', 2, 'I16', 25),
  plain('i8', 1, 'I8', 24),
  plain('u64', 8, 'U64'),
  plain('u32', 4, 'U32'),
  plain('u16', 2, 'U16'),
  plain('u8', 1, 'U8'),
  plain('bool', 1, 'BOOL'),
  plain('fp8_e4m3', 1, 'F8_E4M3'),
  plain('fp8_e5m2', 1, 'F8_E5M2'),
  plain('fp8_e8m0', 1, 'F8_E8M0'),
  plain('c64', 8, 'C64'),
  { id: 'fp4_e2m1', blockElements: 2, blockBytes: 1, safetensorsDtype: 'F4' },
  { id: 'fp6_e2m3', blockElements: 4, blockBytes: 3, safetensorsDtype: 'F6_E2M3' },
  { id: 'fp6_e3m2', blockElements: 4, blockBytes: 3, safetensorsDtype: 'F6_E3M2' },
  block(2, 'q4_0', 32, 18),
  block(3, 'q4_1', 32, 20),
  block(6, 'q5_0', 32, 22),
  block(7, 'q5_1', 32, 24),
  block(8, 'q8_0', 32, 34),
  block(9, 'q8_1', 32, 36),
  block(10, 'q2_k', 256, 84),
  block(11, 'q3_k', 256, 110),
  block(12, 'q4_k', 256, 144),
  block(13, 'q5_k', 256, 176),
  block(14, 'q6_k', 256, 210),
  block(15, 'q8_k', 256, 292),
  block(16, 'iq2_xxs', 256, 66),
  block(17, 'iq2_xs', 256, 74),
  block(22, 'iq2_s', 256, 82),
  block(18, 'iq3_xxs', 256, 98),
  block(21, 'iq3_s', 256, 110),
  block(19, 'iq1_s', 256, 50),
  block(29, 'iq1_m', 256, 56),
  block(20, 'iq4_nl', 32, 18),
  block(23, 'iq4_xs', 256, 136),
  block(34, 'tq1_0', 256, 54),
  block(35, 'tq2_0', 256, 66),
  block(39, 'mxfp4', 32, 17),
  block(40, 'nvfp4', 64, 36),
  block(41, 'q1_0', 128, 18),
]

const byId: ReadonlyMap<string, StorageFormat> = new Map(storageFormats.map((format) => [format.id, format]))
const byGgufType: ReadonlyMap<number | undefined, StorageFormat> = new Map(
  storageFormats.map((format) => [format.ggufType, format]),
)
const byDtype: ReadonlyMap<string | undefined, StorageFormat> = new Map(
  storageFormats.map((format) => [format.safetensorsDtype, format]),
)

/** Format of this id; throws `unsupported` for an unknown one. */
export function storageFormat(id: string): StorageFormat {
  const format = byId.get(id)
  if (format === undefined)
    throw new TesseraError(
      'unsupported',
      `formats: no storage format is called "${id}"; known are ${[...byId.keys()].join(', ')}`,
    )
  return format
}

/** Format of a GGUF type number, or undefined. */
export function storageFormatOfGgufType(type: number): StorageFormat | undefined {
  return byGgufType.get(type)
}

/** Format of a safetensors dtype, or undefined. */
export function storageFormatOfDtype(dtype: string): StorageFormat | undefined {
  return byDtype.get(dtype)
}

/**
 * Byte length of a row-major tensor in this format, or the reason why there is none: blocks must be whole, and the
 * count exact.
 */
export function storedBytes(format: StorageFormat, shape: Shape): number | string {
  let elements = 1
  let size = 1
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0) return `axis length ${length} is not a non-negative integer`
    elements *= length
    // A zero-length axis must not hide an overflow of the other lengths.
    size *= Math.max(length, 1)
    const countable =
      Number.isSafeInteger(size) && Number.isSafeInteger(Math.ceil(size / format.blockElements) * format.blockBytes)
    if (!countable) return `shape [${shape.join(', ')}] has too many elements to count`
  }
  // ggml blocks never cross a row; safetensors packs its 4- and 6-bit floats across the whole tensor.
  const unit = format.ggufType === undefined ? elements : (shape.at(-1) ?? 1)
  if (unit % format.blockElements !== 0) {
    const what = format.ggufType === undefined ? 'a tensor' : 'rows'
    return `${what} of ${unit} elements cannot be cut into whole blocks of ${format.blockElements} (${format.id})`
  }
  return (elements / format.blockElements) * format.blockBytes
}
