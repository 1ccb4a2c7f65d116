import type { DType, Format, Op, OpOptions, Shape } from '@tessera-llm/tensor'

/** Memory that a forward pass reads or writes, by number. */
export type Slot = DenseSlot | PackedSlot

/** Memory under a shape: several slots may share it (`reshape`). */
export interface DenseSlot {
  readonly kind: 'dense'
  readonly memory: number
  readonly dtype: DType
  readonly shape: Shape
}

export interface PackedSlot {
  readonly kind: 'packed'
  readonly format: Format
  readonly shape: Shape
  readonly parts: Readonly<Record<string, DenseSlot>>
}

/** One op call. */
export interface Step {
  readonly op: Op
  readonly options: OpOptions
  readonly inputs: Readonly<Record<string, Slot | undefined>>
  readonly outputs: Readonly<Record<string, DenseSlot>>
}

/** Memory that is there before the first step. */
export interface InitialMemory {
  readonly dtype: DType
  readonly shape: Shape
  /** What was written to it; without it, memory that steps fill (a cache). */
  readonly bytes?: Uint8Array | undefined
}

/** Linear layers that read the same input. */
export interface Site {
  /** Canonical name of the first of them: `layers.0.attention.query`. */
  readonly name: string
  /** The input x [T, K] or [..., T, K]. */
  readonly input: DenseSlot
  /** The step of the first of them: all before have to be computed for the input to be there. */
  readonly step: number
  readonly linears: readonly string[]
}

/** A forward pass over one window as data: what every op call reads and writes, with the weights by name. */
export interface Program {
  readonly steps: readonly Step[]
  /** Matrices by memory: their canonical names. */
  readonly weights: ReadonlyMap<number, string>
  /** Vectors of norms and biases by memory, which stand in `initial`: their canonical names. */
  readonly vectors: ReadonlyMap<number, string>
  readonly initial: ReadonlyMap<number, InitialMemory>
  /** The memory of the token ids, i32 [T]. */
  readonly ids: number
  /** Tokens of a window. */
  readonly tokens: number
  /** What the forward pass returns, where the last steps leave it: a decoder's logits f32 [T, vocabSize], an encoder's hidden states. */
  readonly output: DenseSlot
  /** The last step that reads or writes a memory; the output is kept beyond the last. */
  readonly lastUse: ReadonlyMap<number, number>
  /** In the order of the steps. */
  readonly sites: readonly Site[]
}

/** The memories of a slot. */
export function memoriesOf(slot: Slot): readonly DenseSlot[] {
  return slot.kind === 'dense' ? [slot] : Object.values(slot.parts)
}
