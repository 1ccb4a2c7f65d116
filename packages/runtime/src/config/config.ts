import type { ActivationKind, RopeScaling } from '@tessera-llm/kernels'

export type { RopeScaling }

export interface RopeConfig {
  readonly theta: number
  /** Leading channels of a head that are rotated. */
  readonly rotaryDim: number
  /** `neox` pairs channel i with i + rotaryDim / 2, `gptj` pairs 2i with 2i + 1 (the order of llama GGUF files). */
  readonly style: 'neox' | 'gptj'
  readonly scaling: RopeScaling
}

/** The sizes and constants of a transformer's layers, whatever file they came from. */
export interface TransformerConfig {
  readonly architecture: string
  readonly numLayers: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly vocabSize: number
  /** Longest context that the model was trained for, in tokens. */
  readonly contextLength: number
  /** Rows of a table of learned positions before that of a sequence's first token. */
  readonly unusedPositions?: number | undefined
  readonly normEps: number
  readonly activation: ActivationKind
  /** How each layer rotates queries and keys; undefined where it does not. */
  readonly ropes: readonly (RopeConfig | undefined)[]
  /** For each layer, the tokens that a query sees, its own included; undefined where it sees all. Absent where no layer has a window. */
  readonly windows?: readonly (number | undefined)[] | undefined
  /** Factor of the attention scores; 1 / √headDim when absent. */
  readonly attentionScale?: number | undefined
  /** Attention scores s become c · tanh(s / c). */
  readonly attentionSoftcap?: number | undefined
  /** True when scores fall with the distance of the keys (ALiBi). */
  readonly hasAlibi?: boolean | undefined
  /** True when attention and MLP of a layer read the same input and are added together. */
  readonly isParallel?: boolean | undefined
  /**
   * The inputs of every MLP's last layer, `down`, are multiplied by Hadamard matrices of this order, block by block (`hadamard` of
   * `@tessera-llm/kernels`): its weights were, so that the function is the same and outliers spread before inputs are rounded (QuaRot,
   * arXiv 2404.00456). Absent where they are read as they come.
   */
  readonly downHadamard?: number | undefined
  /** Factor of what each block adds to the residual stream. */
  readonly residualScale?: number | undefined
}

/** A decoder: it predicts the next token. */
export interface ModelConfig extends TransformerConfig {
  /** Factor of the embeddings. */
  readonly embeddingScale?: number | undefined
  /** Factor of the logits. */
  readonly logitScale?: number | undefined
  /** Logits l become c · tanh(l / c). */
  readonly logitSoftcap?: number | undefined
  /** True when the output head is the embedding matrix. */
  readonly tiedHead: boolean
}

/** An encoder: every token sees every other of its sequence. */
export interface EncoderConfig extends TransformerConfig {
  /** Kinds of segments that the embeddings tell apart; 0 where they do not. Half of a layer's window lies on either side of a token. */
  readonly tokenTypes: number
}
