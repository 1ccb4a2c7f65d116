export type CacheName = 'f32' | 'f16' | 'int8' | 'int4'

/** A figure that a round yields. */
export interface Metric {
  readonly name: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
}

/** What one figure costs at least, and the roof that this cost runs into. */
export interface Cost {
  readonly roof: RoofName
  /** Work per unit of the first metric, in bytes (roof `read`) or operations (the others), e.g. bytes read per token. */
  readonly workPerUnit: number
}

/**
 * What SIMD128 code can reach at best on this machine: bytes read from memory, f32 multiply-adds, products of two i8 vectors that add up in
 * i16 (relaxed SIMD), products of two i16 vectors that add up in i32. A multiplication and an addition count as two operations.
 */
export type RoofName = 'read' | 'fmaF32' | 'dotI8' | 'dotI16'

interface Common {
  readonly id: string
  readonly title: string
  readonly threads: number
  readonly metrics: readonly Metric[]
  /** Every round runs in a process of its own (loading, peak memory). Otherwise a process serves all rounds of the workload. */
  readonly isFresh?: boolean
  readonly cost?: Cost
  /** Measured only where `--only` asks for it. */
  readonly onRequest?: boolean
  /** Participants that are left out, with the reason, which the report shows. */
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
  /** How keys and values are kept; as the participant likes when absent. Peers take what is nearest. */
  readonly cache?: CacheName | undefined
  /** What attention reads and computes for each position before a token, in all layers: elements of keys and values, and operations. */
  readonly perPosition?: { readonly elements: number; readonly operations: number } | undefined
  readonly promptTokens: number
  readonly tokens: number
}

/** Computes `promptTokens` tokens of the text from an empty cache, up to the logits of the last one. */
export interface PrefillWorkload extends Common, OnModel {
  readonly kind: 'prefill'
  readonly promptTokens: number
}

/** Opens the model in a new process, up to the first token that comes out of a short prompt; peak memory after `tokens` tokens. */
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
 * The sum of the products of an input f32 `[M, K]` with each of `matrices` weights `[K, N]`, f32 `[M, N]`. Weights are prepared beforehand as
 * each participant likes best; input and output are the caller's arrays every time. All but `gemm-f32` round the input to int8 inside. `gemm-4bit` has
 * weights of 4 bits in blocks of 32, which peers multiply as the int8 weights that they are worth exactly.
 */
export interface MatmulWorkload extends Common {
  readonly kind: 'gemm-f32' | 'gemm-int8' | 'gemm-4bit' | 'gemv-4bit'
  readonly m: number
  readonly n: number
  readonly k: number
  /** Distinct matrices of one call, so that the cost of a call does not hide a small product. */
  readonly matrices: number
}

/**
 * `linear` of `m` tokens f32 `[M, K]` with one weight `[N, K]` on the device, packed in `format`: `f16`, a type of ggml's blocks, or a grid
 * (`int8/row`, `int4/g128`, `fp4/g32`). Tessera alone: how near each format comes to the roof.
 */
export interface FormatWorkload extends Common {
  readonly kind: 'format'
  readonly format: string
  readonly m: number
  readonly n: number
  readonly k: number
}

/** f32 values `[rows, columns]` to the blocks of one of ggml's types, with an importance of the columns or without. */
export interface EncodeWorkload extends Common {
  readonly kind: 'encode'
  readonly format: string
  readonly importance: boolean
  readonly rows: number
  readonly columns: number
}

/**
 * Causal attention in f32 over `length` positions, its gradients by q, k and v, or one more query over `length` keys and values that are
 * there already. Other inputs and the results are the caller's arrays every time.
 */
export interface AttentionWorkload extends Common {
  readonly kind: 'attention' | 'attention-gradient' | 'attention-decode'
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly length: number
}

/**
 * Turns texts into vectors with the sentence encoder in `folder`: from token ids, which are ready, to mean-pooled vectors in an array of
 * the caller's. Text i is `wordsOfTexts[i]` words of the bench's text. `int8` rounds the linear layers of the blocks to 8 bits a row, and their
 * inputs inside.
 */
export interface EmbedWorkload extends Common {
  readonly kind: 'embed'
  readonly folder: string
  /** `q5_0`: weights of 5 bits, which Tessera alone has, beside the int8 of the others. Inputs have 8 bits but with `f32`. */
  readonly precision: 'f32' | 'int8' | 'q5_0'
  readonly wordsOfTexts: readonly number[]
}

/**
 * One op of the table in `src/operator`, `repeats` calls in one go: on each other's results where the op allows it, else on the same inputs.
 * Inputs and results stay with the participant.
 */
export interface OpWorkload extends Common {
  readonly kind: 'op'
  readonly operator: string
  readonly size: readonly number[]
  readonly repeats: number
  /** Read and written by one call, as the op's contract counts them. */
  readonly bytes: number
}

/** What the machine itself can do. */
export interface RoofWorkload extends Common {
  readonly kind: 'roof'
}

export type ModelWorkload = DecodeWorkload | PrefillWorkload | LoadWorkload
export type Workload =
  | ModelWorkload
  | MatmulWorkload
  | FormatWorkload
  | EncodeWorkload
  | AttentionWorkload
  | EmbedWorkload
  | OpWorkload
  | ProfileWorkload
  | RoofWorkload
