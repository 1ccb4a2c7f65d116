import type { ActivationKind, RopeScaling } from '@tessera-llm/kernels'

export type { RopeScaling }

/**
 * Rotary positions of a layer: channel pair i is rotated by position · theta^(−2i / rotaryDim), with frequencies
 * changed by `scaling`.
 */
export interface RopeConfig {
  readonly theta: number
  /** Number of leading channels of a head that are rotated. */
  readonly rotaryDim: number
  /** `neox` pairs channel i with i + rotaryDim / 2, `gptj` pairs 2i with 2i + 1 (the order of llama GGUF files). */
  readonly style: 'neox' | 'gptj'
  readonly scaling: RopeScaling
}

/** Sizes and constants of a transformer's layers, independent of the file format. */
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
  /** Leading rows of the table of learned positions that no token uses: position 0 reads the row after them. */
  readonly unusedPositions?: number | undefined
  readonly normEps: number
  readonly activation: ActivationKind
  /** Rotation of queries and keys for each layer; undefined for a layer without rotation. */
  readonly ropes: readonly (RopeConfig | undefined)[]
  /**
   * Window of each layer: the number of tokens that a query attends to, itself included; undefined for a layer without
   * a window. Absent if no layer has a window.
   */
  readonly windows?: readonly (number | undefined)[] | undefined
  /** Factor of the attention scores. Default 1 / √headDim. */
  readonly attentionScale?: number | undefined
  /** Attention scores s become c · tanh(s / c). */
  readonly attentionSoftcap?: number | undefined
  /** Whether scores decrease with the distance of the keys (ALiBi). */
  readonly hasAlibi?: boolean | undefined
  /** Whether attention and MLP of a layer read the same input and both outputs are added. */
  readonly isParallel?: boolean | undefined
  /**
   * Order of the Hadamard matrices that multiply the inputs of every MLP's last layer, `down`, block by block
   * (`hadamard` of `@tessera-llm/kernels`). The stored weights contain the inverse, so the function is unchanged while
   * outliers are spread before inputs are rounded (QuaRot, arXiv 2404.00456). Absent if inputs are not transformed.
   */
  readonly downHadamard?: number | undefined
  /** Factor of each block's output before it is added to the residual stream. */
  readonly residualScale?: number | undefined
}

/** Configuration of a decoder, which predicts the next token. */
export interface ModelConfig extends TransformerConfig {
  /** Factor of the embeddings. */
  readonly embeddingScale?: number | undefined
  /** Factor of the logits. */
  readonly logitScale?: number | undefined
  /** Logits l become c · tanh(l / c). */
  readonly logitSoftcap?: number | undefined
  /** Whether the output head is the embedding matrix. */
  readonly tiedHead: boolean
}

/**
 * Configuration of an encoder, in which every token attends to all tokens of its sequence. A window extends half to
 * either side of a token.
 */
export interface EncoderConfig extends TransformerConfig {
  /** Number of segment types with an embedding; 0 if the model has none. */
  readonly tokenTypes: number
}
