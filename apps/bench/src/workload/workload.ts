export type CacheName = 'f32' | 'f16' | 'int8' | 'int4'

/** A figure that a round produces. */
export interface Metric {
  readonly name: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
}

/** Least cost of one figure, and the roof that limits it. */
export interface Cost {
  readonly roof: RoofName
  /**
   * Work per unit of the first metric, in bytes (roof `read`) or operations (the others), e.g. bytes read per token.
   */
  readonly workPerUnit: number
}

/**
 * Best rates of SIMD128 code on this machine: bytes read from memory, f32 multiply-adds, products of two i8 vectors
 * summed in i16 (relaxed SIMD), products of two i16 vectors summed in i32. A multiplication and an addition count as
 * two operations.
 */
export type RoofName = 'read' | 'fmaF32' | 'dotI8' | 'dotI16' | 'dotAdd'

interface Common {
  readonly id: string
  readonly title: string
  readonly threads: number
  readonly metrics: readonly Metric[]
  /** Whether every round runs in its own process (loading, peak memory). Otherwise one process serves all rounds. */
  readonly isFresh?: boolean
  /** Whether there is no round to warm up: a round takes minutes, of which the beginning is little. */
  readonly isUnwarmed?: boolean
  readonly cost?: Cost
  /** Workloads with the same name are measured in turn, because differences between them count. */
  readonly inTurn?: string
  /** Measured only if `--only` asks for it. */
  readonly onRequest?: boolean
  /** Excluded participants, with the reason that the report shows. */
  readonly leftOut?: Readonly<Record<string, string>>
}

interface OnModel {
  readonly model: string
  /** Longest sequence in tokens that the participant must be ready for. */
  readonly contextLength: number
}

/** Generates `tokens` tokens greedily after `promptTokens` tokens of the text; only generating is timed. */
export interface DecodeWorkload extends Common, OnModel {
  readonly kind: 'decode'
  /** Storage of keys and values. Default: the participant's own; peers use the nearest type. */
  readonly cache?: CacheName | undefined
  /** Attention's cost per earlier position, in all layers: elements of keys and values read, and operations. */
  readonly perPosition?: { readonly elements: number; readonly operations: number } | undefined
  readonly promptTokens: number
  readonly tokens: number
}

/** Computes `promptTokens` tokens of the text from an empty cache, up to the logits of the last one. */
export interface PrefillWorkload extends Common, OnModel {
  readonly kind: 'prefill'
  readonly promptTokens: number
}

/**
 * Opens the model in a new process, up to the first token that comes out of a short prompt; peak memory after `tokens`
 * tokens.
 */
export interface LoadWorkload extends Common, OnModel {
  readonly kind: 'load'
  readonly tokens: number
}

/** Computes `tokens` tokens from `position` on, with all earlier ones in the cache, stage by stage. */
export interface ProfileWorkload extends Common, OnModel {
  readonly kind: 'profile'
  readonly position: number
  readonly tokens: number
}

/**
 * The sum of the products of an input f32 `[M, K]` with each of `matrices` weights `[K, N]`, f32 `[M, N]`. Each
 * participant may prepare weights beforehand as it likes; input and output are the caller's arrays every time. All but
 * `gemm-f32` round the input to int8 inside. `gemm-4bit` has 4-bit weights in blocks of 32; peers multiply the exactly
 * equal int8 weights.
 */
export interface MatmulWorkload extends Common {
  readonly kind: 'gemm-f32' | 'gemm-int8' | 'gemm-4bit' | 'gemv-4bit'
  readonly m: number
  readonly n: number
  readonly k: number
  /** Distinct matrices per call, so that the call's overhead does not hide a small product. */
  readonly matrices: number
}

/**
 * `linear` of `m` tokens f32 `[M, K]` with one weight `[N, K]` on the device, packed in `format`: `f16`, a ggml block
 * type, or a grid (`int8/row`, `int4/g128`, `fp4/g32`). Tessera only: how close each format comes to the roof.
 */
export interface FormatWorkload extends Common {
  readonly kind: 'format'
  readonly format: string
  readonly m: number
  readonly n: number
  readonly k: number
}

/** f32 values `[rows, columns]` to blocks of a ggml type, with or without an importance of the columns. */
export interface EncodeWorkload extends Common {
  readonly kind: 'encode'
  readonly format: string
  readonly importance: boolean
  readonly rows: number
  readonly columns: number
}

/**
 * Makes a model file smaller by a recipe, from opening the file to the result on disk. What the recipe calibrates on is
 * `windows` windows of 512 tokens of the bench's text, over and over.
 */
export interface QuantizeWorkload extends Common {
  readonly kind: 'quantize'
  readonly model: string
  /** Weights of all linear layers; GPTQ in the order of activations, with zero points. */
  readonly method: 'rtn' | 'gptq'
  /** A ggml type for a GGUF file, or bits and group of integers for a folder of safetensors. */
  readonly format: 'q4_0' | 'q8_0' | { readonly bits: 4; readonly group: 64 }
  readonly windows: number
  /** Of f32 in the linear layers. */
  readonly megabytes: number
}

/**
 * Causal attention in f32 over `length` positions, its gradients by q, k and v, or one more query over `length` stored
 * keys and values. Other inputs and the results are the caller's arrays every time.
 */
export interface AttentionWorkload extends Common {
  readonly kind: 'attention' | 'attention-gradient' | 'attention-decode'
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly length: number
}

/**
 * Embeds texts with the sentence encoder in `folder`: from token ids to mean-pooled vectors in the caller's array. Text
 * i is `wordsOfTexts[i]` words of the bench's text. `int8` rounds the linear layers of the blocks to 8 bits per row,
 * and their inputs inside.
 */
export interface EmbedWorkload extends Common {
  readonly kind: 'embed'
  readonly folder: string
  /**
   * `q5_0`: 5-bit weights, which only Tessera has, next to the int8 of the others. Inputs have 8 bits, except with
   * `f32`.
   */
  readonly precision: 'f32' | 'int8' | 'q5_0'
  readonly wordsOfTexts: readonly number[]
}

/**
 * One op of the table in `src/operator`, `repeats` calls at once: on each other's results if the op allows it,
 * otherwise on the same inputs. Inputs and results stay with the participant.
 */
export interface OpWorkload extends Common {
  readonly kind: 'op'
  readonly operator: string
  readonly size: readonly number[]
  readonly repeats: number
  /** Bytes read and written by one call, as the op's contract counts them. */
  readonly bytes: number
}

/** Rates of the machine itself. */
export interface RoofWorkload extends Common {
  readonly kind: 'roof'
}

export type ModelWorkload = DecodeWorkload | PrefillWorkload | LoadWorkload
export type Workload =
  | ModelWorkload
  | MatmulWorkload
  | FormatWorkload
  | EncodeWorkload
  | QuantizeWorkload
  | AttentionWorkload
  | EmbedWorkload
  | OpWorkload
  | ProfileWorkload
  | RoofWorkload
