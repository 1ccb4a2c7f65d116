import type { Activations } from '@tessera-llm/kernels'

/**
 * Storage format of a quantized weight: a ggml type by name, or integers, 8-bit floats or entries of a table in groups.
 */
export type WeightFormat = GgmlFormat | IntegerFormat | CodebookFormat

/** ggml types that recipes support; `f16` and `f32` keep a tensor dense. */
export const ggmlFormats = [
  'f32',
  'f16',
  'q8_0',
  'q6_k',
  'q5_k',
  'q5_1',
  'q5_0',
  'q4_k',
  'q4_1',
  'q4_0',
  'iq4_xs',
  'iq4_nl',
  'mxfp4',
  'q3_k',
  'q2_k',
  'tq2_0',
  'tq1_0',
] as const
/** Name of a ggml type in recipes. */
export type GgmlFormat = (typeof ggmlFormats)[number]

/** Integers of `bits` bits that share a scale by groups of `group` columns. */
export interface IntegerFormat {
  readonly bits: 2 | 3 | 4 | 8
  /** Columns that share a scale; `row` for one scale a row (per output channel). */
  readonly group: number | 'row'
  /** Whether there are no zero points. Default false. */
  readonly symmetric?: boolean | undefined
}

/** Tables with the bits of their codes: `codebookGrid` and `normalGrid` of `@tessera-llm/quantization`. */
export const codebooks = { normal2: 2, normal3: 3, normal4: 4, nf4: 4, fp4_e2m1: 4, fp8_e4m3: 8 } as const

/** Entries of a table times a scale for each group of `group` columns; no zero points. */
export interface CodebookFormat {
  /**
   * `normal2` to `normal4` have optimal levels for normally distributed weights, which rotated ones nearly are (Max
   * 1960). `fp8_e4m3` are the 8-bit floats of folders, with scales in f32.
   */
  readonly codebook: keyof typeof codebooks
  /** Columns that share a scale; `row` for one scale a row (per output channel), `tensor` for one in all. */
  readonly group: number | 'row' | 'tensor'
}

/** Layouts of integers in folders: GPTQ (AutoGPTQ, GPTQModel), AWQ's GEMM (AutoAWQ), and compressed-tensors (vLLM). */
export const layouts = ['gptq', 'awq', 'compressed-tensors'] as const
/** Layout of integers in a folder. */
export type Layout = (typeof layouts)[number]

/** Weights that a step changes: patterns over canonical names such as `layers.*.mlp.*`, `embedding`, `head`. */
export type Targets = string | readonly string[]

/**
 * Rotates the residual stream by a seeded matrix, which preserves the model's function and spreads outliers (QuaRot,
 * arXiv 2404.00456).
 */
export interface RotateStep {
  readonly kind: 'rotate'
  /**
   * Kind of the matrix. `hadamard` needs a hidden size that is a power of two times 1, 12 or 20; `orthogonal` supports
   * any. `identity` only merges norms into the layers that read them, which by itself increases the loss of rounding to
   * nearest, and is the basis of many published figures. Default `orthogonal`.
   */
  readonly matrix?: 'orthogonal' | 'hadamard' | 'identity' | undefined
  /** Whether to rotate each head between value and output as well. Default false. */
  readonly heads?: boolean | undefined
  /**
   * Whether to transform the inputs of each `down` as well, by Hadamard matrices whose order is the largest power of
   * two that divides them. No weight before can absorb this transform, so the model applies it at run time, which its
   * file states. For 4-bit activations. Default false.
   */
  readonly down?: boolean | undefined
}

/**
 * Scales up the columns of large inputs before rounding: multiplies the layers that read an input by scales and divides
 * its producer, which preserves the model's function (AWQ, arXiv 2306.00978). Chooses the scales whose rounded weights
 * change the outputs least, in the format that the weights will have.
 */
export interface AwqStep {
  readonly kind: 'awq'
  /** Layers whose inputs are scaled, among those that a later step quantizes. Default: all of them. */
  readonly targets?: Targets | undefined
}

/**
 * Moves outliers of activations into the weights by the same kind of scales, for 8-bit activations (SmoothQuant, arXiv
 * 2211.10438).
 */
export interface SmoothStep {
  readonly kind: 'smooth'
  readonly targets?: Targets | undefined
  /** Exponent: 0 leaves weights unchanged, 1 makes all activations equally large. Default 0.5. */
  readonly alpha?: number | undefined
}

/** Rounds the targeted weights to a format by a method. */
export interface QuantizeStep {
  readonly kind: 'quantize'
  /** Default: every linear layer of the blocks. */
  readonly targets?: Targets | undefined
  readonly method: 'rtn' | 'hqq' | 'gptq'
  readonly format: WeightFormat
  /**
   * `rtn` with a ggml type: weights errors by the mean square of each input (llama.cpp's importance matrix). Default
   * false.
   */
  readonly importance?: boolean | undefined
  /** GPTQ: quantizes groups, and the columns in each, in the order of decreasing curvature. Default true. */
  readonly actOrder?: boolean | undefined
  /**
   * Whether to search for the scales of least squared error, instead of covering the largest weights. Default true;
   * ggml types have their own search.
   */
  readonly clip?: boolean | undefined
  /**
   * GPTQ: targets the outputs of the uncompressed model, instead of those of the original weight on the compressed
   * model's inputs (GPTAQ, arXiv 2504.02692). Default false.
   */
  readonly correct?: boolean | undefined
  /** GPTQ: passes of coordinate descent over all codes after the sweep. Default 2. */
  readonly passes?: number | undefined
  /** GPTQ: term added to the diagonal, as a fraction of its mean. Default 0.01 + K / (2 · tokens). */
  readonly damping?: number | undefined
  /**
   * Restores the mean of each output over the calibration text by the layer's bias (arXiv 2404.01892); layers without a
   * bias get none. Default false.
   */
  readonly compensateBias?: boolean | undefined
  /** HQQ: rounds zero points to integers, which layouts of folders need. Default false. */
  readonly integerZeros?: boolean | undefined
}

/**
 * Chooses a format for each weight so that the file has at most a given size and the loss is least: `allocateBudget`
 * measures the loss of each weight and replaces this step by `quantize` steps.
 */
export interface BudgetStep {
  readonly kind: 'budget'
  /** Size of the whole file, including metadata and unquantized weights: bytes, or `60MB`, `57.2MiB`. */
  readonly size: string | number
  /** Default: every linear layer of the blocks, the embedding and the head. */
  readonly targets?: Targets | undefined
  /**
   * Formats to choose from; formats that do not fit a weight's rows are skipped for it. Default: ggml types from 2.6 to
   * 8.5 bits, or in a folder integers of 3, 4 and 8 bits.
   */
  readonly formats?: readonly WeightFormat[] | undefined
  /**
   * Rounding of linear layers. Default `gptq`. The embedding is rounded to nearest; if it is tied, errors are weighted
   * by the head's inputs.
   */
  readonly method?: 'gptq' | 'rtn' | undefined
  /** GPTQ: see `quantize`. */
  readonly correct?: boolean | undefined
}

/**
 * Mixed types of llama.cpp's quantizer: most matrices have the type of the name, more important ones a larger type
 * (`_s` few, `_m` some, `_l` many).
 */
export const mixes = ['q2_k', 'q3_k_s', 'q3_k_m', 'q3_k_l', 'q4_k_s', 'q4_k_m', 'q5_k_s', 'q5_k_m', 'q6_k'] as const

/** Name of a mixed type of llama.cpp's quantizer. */
export type Mix = (typeof mixes)[number]

/**
 * Rounds the whole model to a mixed type of llama.cpp's quantizer, embedding and head included; the head, or a tied
 * embedding, becomes `q6_k`. Rows that are no multiples of 256 get a fallback type (see `fittingFormat`), which
 * `planNotes` names.
 */
export interface MixStep {
  readonly kind: 'mix'
  readonly mix: Mix
  /** Default: linear layers of blocks, embedding and head. */
  readonly targets?: Targets | undefined
  /** Rounding of linear layers of blocks. Default `rtn`, as in llama.cpp. Embedding and head are rounded to nearest. */
  readonly method?: 'rtn' | 'gptq' | undefined
  /** `rtn`: llama.cpp's importance matrix; see `quantize`. */
  readonly importance?: boolean | undefined
  /** GPTQ: see `quantize`. */
  readonly correct?: boolean | undefined
}

/**
 * Merges the key-value heads of every layer, which loses much quality until the model is trained again (see
 * `convertHeads` of `@tessera-llm/attention`). Must be the first step: the others transform the result of
 * `recipeCheckpoint`.
 */
export interface ConvertHeadsStep {
  readonly kind: 'convert-heads'
  /** KV heads of every layer in the result: a divisor of the present count. */
  readonly numKvHeads: number
  /** `activation` and `principal` read the calibration text. */
  readonly method: 'mean' | 'first' | 'activation' | 'principal'
}

/** One step of a recipe; steps are applied in order. */
export type RecipeStep = ConvertHeadsStep | RotateStep | AwqStep | SmoothStep | QuantizeStep | MixStep | BudgetStep

/**
 * A compression of a model as data. The same recipe, seed and calibration text give the same bytes on one build and
 * device class.
 */
export interface Recipe {
  readonly name?: string | undefined
  readonly seed?: number | undefined
  readonly calibration?: RecipeCalibration | undefined
  /**
   * Rounding of the inputs of linear layers at run time, with which a receipt measures the model: `int8-token` and
   * `int4-token` are dynamic, with one scale a token; `int8-static` has one scale for each layer, found on the
   * calibration text and stored in a folder of compressed-tensors. Such a folder states all three. Default `f32`: no
   * rounding.
   */
  readonly activations?: Activations | undefined
  /** Cache of keys and values at run time, with which a receipt measures the model. Default: f32. */
  readonly cache?: RecipeCache | undefined
  /** Layout of a folder. Default: one that can hold the result of the steps. */
  readonly layout?: Layout | undefined
  /** May be empty if `cache` or `activations` is given. */
  readonly steps: readonly RecipeStep[]
}

export const cacheFormats = ['f16', 'int8', 'fp8', 'int4', 'int2'] as const

/** A cache of `@tessera-llm/attention`; see `quantizedCache` there. */
export interface RecipeCache {
  readonly format: (typeof cacheFormats)[number]
  /**
   * `int8`, `int4` and `int2`: least number of tokens at the end of the sequence that stay in f16. Default 0, 32 and
   * 128.
   */
  readonly exactTokens?: number | undefined
}

/** Number and length of the calibration text's windows. */
export interface RecipeCalibration {
  /** Number of windows. Default 32. */
  readonly windows?: number | undefined
  /** Tokens in a window. Default 512. */
  readonly window?: number | undefined
}
