import { decodeF16 } from '@tessera-llm/tensor'

/** One decoded block: integer codes and, for each group of them, a scale and a minimum. */
export interface Block {
  /** i8[blockSize] */
  readonly codes: Int8Array
  /** f32[blockSize / groupSize] */
  readonly scales: Float32Array
  /** f32[blockSize / groupSize]; all zero for types without minimums */
  readonly minimums: Float32Array
}

/**
 * A block type of ggml. All of them share one arithmetic, value = scale · code − minimum (the minimum only where the
 * type has one), with the product and the difference each rounded to f32; they differ in how codes and scales are
 * stored.
 */
export interface BlockType {
  /** ggml's name in lower case: `q4_k`. */
  readonly id: string
  /** Weights in a block. */
  readonly blockSize: number
  /** Stored bytes of a block. */
  readonly blockBytes: number
  /** Weights that share a scale: 16 or 32. */
  readonly groupSize: number
  readonly hasMinimum: boolean
  /** Reads the block at `offset` of `bytes` into `block`. */
  unpack(bytes: Uint8Array, offset: number, block: Block): void
  /**
   * Fills `out` with the values of the blocks that begin `bytes`, the same as by way of `unpack`: for types that many
   * files have.
   */
  decode?(bytes: Uint8Array, out: Float32Array): void
}

/** Room for one block of this type. */
export function createBlock(type: BlockType): Block {
  const groups = type.blockSize / type.groupSize
  return { codes: new Int8Array(type.blockSize), scales: new Float32Array(groups), minimums: new Float32Array(groups) }
}

/** The f16 at a byte offset, little-endian. */
export function f16At(bytes: Uint8Array, offset: number): number {
  return decodeF16(u16At(bytes, offset))
}

/** The u16 at a byte offset, little-endian. */
export function u16At(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8)
}

/** The u32 at a byte offset, little-endian, as an unsigned number. */
export function u32At(bytes: Uint8Array, offset: number): number {
  return (u16At(bytes, offset) | (u16At(bytes, offset + 2) << 16)) >>> 0
}
