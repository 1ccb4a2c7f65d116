import {
  bytesOf,
  decodeToF32,
  type DType,
  encodeElements,
  formatShape,
  sameShape,
  type Shape,
  sizeOf,
  TesseraError,
  type TypedArray,
  viewBytes,
} from '@tessera-llm/tensor'

/** One stored tensor of a quantized weight, as safetensors files hold it. */
export interface StoredPart {
  /** Id of a storage format: `i32`, `f16`, `fp8_e4m3`. */
  readonly format: string
  readonly shape: Shape
  readonly bytes: Uint8Array
}

/** The stored tensors of one weight, by what follows the layer's name: `qweight`, `scales`. */
export type StoredParts = Readonly<Record<string, StoredPart>>

/** An error about a checkpoint; `what` names weight and part. */
export function invalidWeight(what: string, problem: string): TesseraError {
  return new TesseraError('invalid-file', `${what} ${problem}`)
}

export function partNamed(layer: string, parts: StoredParts, name: string): StoredPart {
  const part = parts[name]
  if (!part)
    throw invalidWeight(
      `${layer}.${name}`,
      `is missing; a weight of this layout has it beside ${Object.keys(parts).join(', ') || 'nothing'}`,
    )
  return part
}

export function checkShape(what: string, part: StoredPart, expected: Shape): void {
  if (!sameShape(part.shape, expected))
    throw invalidWeight(
      what,
      `must have the shape ${formatShape(expected)} beside the other parts, but has ${formatShape(part.shape)}`,
    )
}

/** The words of an i32 part, checked to have the shape. */
export function wordsOf(layer: string, parts: StoredParts, name: string, shape: Shape): Uint32Array {
  const part = partNamed(layer, parts, name)
  if (part.format !== 'i32') throw invalidWeight(`${layer}.${name}`, `must be i32, but is ${part.format}`)
  checkShape(`${layer}.${name}`, part, shape)
  return viewBytes(part.bytes, 'u32') as Uint32Array
}

const floatFormats: readonly string[] = ['f32', 'f16', 'bf16'] satisfies DType[]

/** The values of a part of finite floats. */
export function floatsOf(layer: string, parts: StoredParts, name: string): Float32Array {
  const part = partNamed(layer, parts, name)
  if (!floatFormats.includes(part.format))
    throw invalidWeight(`${layer}.${name}`, `must be f32, f16 or bf16, but is ${part.format}`)
  const dtype = part.format as DType
  const values = decodeToF32(viewBytes(part.bytes, dtype), dtype, sizeOf(part.shape))
  const index = values.findIndex((value) => !Number.isFinite(value))
  if (index >= 0)
    throw invalidWeight(`${layer}.${name}`, `holds ${values[index]} at index ${index}; the file is damaged`)
  return values
}

export function partFrom(data: () => ArrayLike<number>, dtype: DType, shape: Shape): StoredPart {
  return partOf(dtype, shape, () => bytesOf(encodeElements(data(), dtype)))
}

export function wordsPart(words: () => Uint32Array, shape: Shape): StoredPart {
  return partOf('i32', shape, () => bytesOf(words() as TypedArray))
}

/**
 * Bytes are made when they are first asked for: a writer wants the shapes of all parts before the first byte, and the
 * bytes of one at a time.
 */
function partOf(format: DType, shape: Shape, make: () => Uint8Array): StoredPart {
  let made: Uint8Array | undefined
  return {
    format,
    shape,
    get bytes() {
      made ??= make()
      return made
    },
  }
}

/** Throws `unsupported`: the layout cannot hold the matrix. */
export function cannotStore(layout: string, problem: string, remedy: string): never {
  throw new TesseraError('unsupported', `${layout}: ${problem}; ${remedy}`)
}
