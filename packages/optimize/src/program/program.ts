import type { DType, Format, Op, OpOptions, Shape } from '@tessera-llm/tensor'

/** Tensor that a step reads or writes, by the number of its memory. */
export type Slot = DenseSlot | PackedSlot

/** A memory with a shape; several slots may share a memory (`reshape`). */
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

/** Memory that exists before the first step. */
export interface InitialMemory {
  readonly dtype: DType
  readonly shape: Shape
  /** Written bytes; absent for memory that steps fill (a cache). */
  readonly bytes?: Uint8Array | undefined
}

/** The linear layers that read one input. */
export interface Site {
  /** Canonical name of the first layer: `layers.0.attention.query`. */
  readonly name: string
  /** The input x [T, K] or [..., T, K]. */
  readonly input: DenseSlot
  /** The step of the first layer; all steps before it must run to compute the input. */
  readonly step: number
  readonly linears: readonly string[]
}

/** A forward pass over one window as data: the inputs and outputs of every op call, and the names of weights. */
export interface Program {
  readonly steps: readonly Step[]
  /** Canonical names of matrices by memory. */
  readonly weights: ReadonlyMap<number, string>
  /** Canonical names of vectors (norms and biases) by memory; their values are in `initial`. */
  readonly vectors: ReadonlyMap<number, string>
  readonly initial: ReadonlyMap<number, InitialMemory>
  /** Memory of the token ids, i32 [T]. */
  readonly ids: number
  /** Tokens of a window. */
  readonly tokens: number
  /**
   * Result of the forward pass: a decoder's logits f32 [T, vocabSize], an encoder's hidden states f32 [T, hiddenSize].
   */
  readonly output: DenseSlot
  /** The last step that reads or writes each memory; the output's is beyond the last step. */
  readonly lastUse: ReadonlyMap<number, number>
  /** In the order of the steps. */
  readonly sites: readonly Site[]
}

/** The memories of a slot. */
export function memoriesOf(slot: Slot): readonly DenseSlot[] {
  return slot.kind === 'dense' ? [slot] : Object.values(slot.parts)
}
