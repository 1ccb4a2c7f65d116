import type { RopeScaling } from '@tessera-llm/kernels'

export type { RopeScaling }

export interface RopeConfig {
  readonly theta: number
  /** Leading channels of a head that are rotated. */
  readonly rotaryDim: number
  /** `neox` pairs channel i with i + rotaryDim / 2, `gptj` pairs 2i with 2i + 1 (the order of llama GGUF files). */
  readonly style: 'neox' | 'gptj'
  readonly scaling: RopeScaling
}

/** The sizes and constants of a decoder, whatever file they came from. */
export interface ModelConfig {
  readonly architecture: string
  readonly numLayers: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  /** For each layer, the tokens that a query sees, its own included; undefined where it sees all. Absent where no layer has a window. */
  readonly windows?: readonly (number | undefined)[] | undefined
  readonly vocabSize: number
  /** Longest context that the model was trained for, in tokens. */
  readonly contextLength: number
  readonly normEps: number
  readonly rope: RopeConfig
  /** True when the output head is the embedding matrix. */
  readonly tiedHead: boolean
}
