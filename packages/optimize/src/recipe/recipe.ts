import type { Activations } from '@tessera-llm/kernels'

/**
 * How weights are stored after quantization: a ggml block type by name, or codes in groups that stand for integers or
 * for entries of a table, floats of 8 bits among them.
 */
export type WeightFormat = GgmlFormat | IntegerFormat | CodebookFormat

/** ggml block types that recipes may ask for; `f16` and `f32` keep a tensor dense. */
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
  /** Without a zero point. Default false. */
  readonly symmetric?: boolean | undefined
}

/** Tables whose entries codes stand for, with the bits of a code: of the package quantization's `codebookGrid` and `normalGrid`. */
export const codebooks = { normal2: 2, normal3: 3, normal4: 4, nf4: 4, fp4_e2m1: 4, fp8_e4m3: 8 } as const

/** Entries of a table, times a scale that `group` columns share; no zero points. */
export interface CodebookFormat {
  /**
   * `normal2` to `normal4` have levels as dense as normally distributed weights are, which rotated ones nearly are (Max
   * 1960). `fp8_e4m3` are the floats of 8 bits that folders hold, with scales in f32.
   */
  readonly codebook: keyof typeof codebooks
  /** Columns that share a scale; `row` for one scale a row (per output channel), `tensor` for one in all. */
  readonly group: number | 'row' | 'tensor'
}

/** How a folder stores integers: the layouts of GPTQ (AutoGPTQ, GPTQModel), of AWQ's GEMM (AutoAWQ), and of compressed-tensors (vLLM). */
export const layouts = ['gptq', 'awq', 'compressed-tensors'] as const
/** Layout of integers in a folder. */
export type Layout = (typeof layouts)[number]

/** Which weights a step changes: patterns over canonical names such as `layers.*.mlp.*`, `embedding`, `head`. */
export type Targets = string | readonly string[]

/** Turns the residual stream by one seeded matrix, which leaves the function as it is and spreads outliers (QuaRot, arXiv 2404.00456). */
export interface RotateStep {
  readonly kind: 'rotate'
  /**
   * `hadamard` needs a hidden size that is a power of two times 1, 12 or 20; `orthogonal` takes any. `identity` turns nothing: norms are merged
   * into the layers that read them, which alone makes rounding to nearest lose more, and is what many published figures are for. Default `orthogonal`.
   */
  readonly matrix?: 'orthogonal' | 'hadamard' | 'identity' | undefined
  /** Turns each head between value and output as well. Default false. */
  readonly heads?: boolean | undefined
  /**
   * Turns the inputs of each `down` as well, by Hadamard matrices whose order is the largest power of two that divides them: no weight before
   * can take that in, so that the model that comes out multiplies by them when it runs, and its file says so. For activations of 4 bits.
   * Default false.
   */
  readonly down?: boolean | undefined
}

/**
 * Makes the columns of large inputs finer: what reads an input is multiplied by scales, and what makes it divided, which leaves the function as
 * it is (AWQ, arXiv 2306.00978). The scales are those whose rounded weights change the outputs least, in the format that the weights will have.
 */
export interface AwqStep {
  readonly kind: 'awq'
  /** Layers whose inputs are scaled, among those that a later step quantizes. Default: all of them. */
  readonly targets?: Targets | undefined
}

/** Moves outliers of activations into the weights in the same way, for activations of 8 bits (SmoothQuant, arXiv 2211.10438). */
export interface SmoothStep {
  readonly kind: 'smooth'
  readonly targets?: Targets | undefined
  /** 0 leaves weights as they are, 1 makes activations even. Default 0.5. */
  readonly alpha?: number | undefined
}

/** Rounds the targeted weights to a format by a method. */
export interface QuantizeStep {
  readonly kind: 'quantize'
  /** Default: every linear layer of the blocks. */
  readonly targets?: Targets | undefined
  readonly method: 'rtn' | 'hqq' | 'gptq'
  readonly format: WeightFormat
  /** Weighs errors by the second moment of the inputs (the importance matrix of llama.cpp); for `rtn` with a ggml type. */
  readonly importance?: boolean | undefined
  /** GPTQ: quantize groups, and the columns in each, in the order of falling curvature. Default true. */
  readonly actOrder?: boolean | undefined
  /** Search for scales that cost the least squared error, instead of spanning the largest weights. Default true; ggml types search by their own rule. */
  readonly clip?: boolean | undefined
  /** GPTQ: aim at the outputs of the uncompressed model, not at those of the inputs that the compressed one sees (GPTAQ, arXiv 2504.02692). */
  readonly correct?: boolean | undefined
  /** GPTQ: how often the codes are gone over again afterwards. Default 2. */
  readonly passes?: number | undefined
  /** GPTQ: added to the diagonal, as a fraction of its mean. Default 0.01 + K / (2 · tokens). */
  readonly damping?: number | undefined
  /**
   * Gives each output its mean over the calibration text back, by the bias of its layer (arXiv 2404.01892); layers without one stay without.
   * Default false.
   */
  readonly compensateBias?: boolean | undefined
  /** HQQ: round zeros to integers, as layouts of folders hold them. Default false. */
  readonly integerZeros?: boolean | undefined
}

/**
 * Chooses a format for each weight, so that the file fits a size and the model loses as little as it can: `allocateBudget` measures what
 * each weight's errors cost and puts `quantize` steps in this one's place.
 */
export interface BudgetStep {
  readonly kind: 'budget'
  /** What the file may take in all, metadata and what is not quantized included: bytes, or `60MB`, `57.2MiB`. */
  readonly size: string | number
  /** Default: every linear layer of the blocks, the embedding and the head. */
  readonly targets?: Targets | undefined
  /** Formats to choose from; those that a weight's rows do not fit are left out for it. Default: ggml types from 2.6 to 8.5 bits, or in a folder integers of 3, 4 and 8 bits. */
  readonly formats?: readonly WeightFormat[] | undefined
  /** How linear layers are rounded. Default `gptq`. The embedding is rounded to nearest, and where it is the head too, errors are weighed by the head's inputs. */
  readonly method?: 'gptq' | 'rtn' | undefined
  /** GPTQ: see `quantize`. */
  readonly correct?: boolean | undefined
}

/**
 * Mixed types of llama.cpp's quantizer: most matrices have the type of the name, those that matter more have another
 * (`_s` few, `_m` some, `_l` many).
 */
export const mixes = ['q2_k', 'q3_k_s', 'q3_k_m', 'q3_k_l', 'q4_k_s', 'q4_k_m', 'q5_k_s', 'q5_k_m', 'q6_k'] as const

/** Name of a mixed type of llama.cpp's quantizer. */
export type Mix = (typeof mixes)[number]

/**
 * Rounds the whole model to a mixed type of llama.cpp's quantizer, embedding and head included: its head, and an
 * embedding that is the head too, become `q6_k`. Rows that are no multiples of 256 take a fallback type (see
 * `fittingFormat`), which `planNotes` names.
 */
export interface MixStep {
  readonly kind: 'mix'
  readonly mix: Mix
  /** Default: linear layers of blocks, embedding and head. */
  readonly targets?: Targets | undefined
  /**
   * Method for linear layers of blocks. Default `rtn`, as llama.cpp does. Embedding and head are rounded to nearest.
   */
  readonly method?: 'rtn' | 'gptq' | undefined
  /** `rtn`: see `quantize`; llama.cpp's importance matrix. */
  readonly importance?: boolean | undefined
  /** GPTQ: see `quantize`. */
  readonly correct?: boolean | undefined
}

/**
 * Merges the key-value heads of every layer, which loses much until the model is trained again (see `convertHeads` of `@tessera-llm/attention`). The
 * first step: all others see the model that `recipeCheckpoint` makes.
 */
export interface ConvertHeadsStep {
  readonly kind: 'convert-heads'
  /** Of every layer afterwards: a divisor of those before. */
  readonly numKvHeads: number
  /** `activation` and `principal` read the calibration text. */
  readonly method: 'mean' | 'first' | 'activation' | 'principal'
}

/** One step of a recipe; steps are applied in order. */
export type RecipeStep = ConvertHeadsStep | RotateStep | AwqStep | SmoothStep | QuantizeStep | MixStep | BudgetStep

/** What is done to a model, as data: the same recipe, seed and calibration text give the same bytes on one build and device class. */
export interface Recipe {
  readonly name?: string | undefined
  readonly seed?: number | undefined
  readonly calibration?: RecipeCalibration | undefined
  /**
   * How the model's linear layers are to round their inputs when it runs, which is how a receipt measures it: `int8-token` and `int4-token` are
   * dynamic, with one scale a token; `int8-static` has one scale for all, which the calibration text gives each layer and a folder in the layout
   * of compressed-tensors holds. Such a folder says all three. Default `f32`: they are not rounded.
   */
  readonly activations?: Activations | undefined
  /** How the model's keys and values are to be kept when it runs, which is how a receipt measures it. Default: in f32. */
  readonly cache?: RecipeCache | undefined
  /** Of a folder that is written. Default: one that holds what the steps make. */
  readonly layout?: Layout | undefined
  /** May be empty where `cache` or `activations` is given. */
  readonly steps: readonly RecipeStep[]
}

export const cacheFormats = ['f16', 'int8', 'fp8', 'int4', 'int2'] as const

/** A cache of `@tessera-llm/attention`; see `quantizedCache` there. */
export interface RecipeCache {
  readonly format: (typeof cacheFormats)[number]
  /** Of `int8`, `int4` and `int2`: tokens at the end of the sequence that stay in f16, at least. Default 0, 32 and 128. */
  readonly exactTokens?: number | undefined
}

/** Number and length of the calibration text's windows. */
export interface RecipeCalibration {
  /** Windows of the text that are read. Default 32. */
  readonly windows?: number | undefined
  /** Tokens a window. Default 512. */
  readonly window?: number | undefined
}
