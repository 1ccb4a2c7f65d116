import type { KvCache } from '@tessera-llm/attention'
import type { Activations } from '@tessera-llm/kernels'
import type { Device, Shape, Tensor, Weight } from '@tessera-llm/tensor'
import type { EncoderConfig, ModelConfig } from '../config/index.ts'
import type { Encoder } from './encoder.ts'

/** Inputs of one forward pass; all tensors are i32 on the model's device, for a batch of one sequence. */
export interface StepInputs {
  /** Token ids, `[T]`. */
  readonly ids: Tensor
  /** Absolute positions of the tokens, `[1, T]`, by which rope rotates. */
  readonly positions: Tensor
  /** Cache row of the first token, `[1]`. */
  readonly start: Tensor
  /** Rows of the cache in use after this step, `[1]`. */
  readonly lengths: Tensor
}

/** Options of one forward pass of a decoder. */
export interface ForwardOptions {
  /** Rows to compute logits for: the last token's, every token's, or none (prefill of all but the last chunk). */
  readonly logits: 'last' | 'all' | 'none'
  /**
   * Rounding of the inputs of packed linear layers: `int8` by blocks of 32, which is faster and costs about 0.1 % of
   * perplexity; `int8-token` with one scale a token, for 8-bit weights made for it; `int8-static` with the scales that
   * a checkpoint of compressed-tensors holds for its layers; `int4-token` with 4 bits and one scale a token, for
   * rotated models.
   */
  readonly activations: Activations
  /**
   * Called with intermediate tensors by name, which are freed when the call returns: `embed`, `layers.0.output`,
   * `final_norm`, and the input of every linear layer (`layers.0.attention.query.input`, `layers.0.mlp.down.input`,
   * `head.input`). With it, layers call all ops separately; without it they call fused ops if the device has kernels
   * for them.
   */
  readonly observe?: ((name: string, tensor: Tensor) => void) | undefined
}

/**
 * A decoder on a device. `forward` is plain TypeScript over ops: eager when called, recorded inside `device.capture`.
 */
export interface LanguageModel {
  readonly device: Device
  readonly config: ModelConfig
  /** Bytes of the weights on the device. */
  readonly weightBytes: number
  /**
   * Appends the tokens' keys and values to the cache and returns logits f32 `[rows, vocabSize]`, or nothing for
   * `logits: 'none'`.
   */
  forward(step: StepInputs, cache: KvCache, options: ForwardOptions): Tensor | undefined
  dispose(): void
}

/** Location of a weight that is only a part of a stored tensor. */
export interface StoredPart {
  /** Rows of the stored tensor. The rows in `ranges`, concatenated, form the weight. */
  readonly storedRows: number
  readonly ranges: readonly (readonly [begin: number, end: number])[]
  /** Whether the file stores `[K, storedRows]` instead of `[storedRows, K]`. */
  readonly isTransposed?: boolean | undefined
}

/** Loads the weights of a checkpoint for a family that builds a model, and owns them. */
export interface WeightSource {
  /**
   * A weight `[N, K]` of `linear` or `embedding`, packed if a packer supports it.
   *
   * @throws TesseraError `invalid-file` naming the tensor if it is missing or has another shape
   */
  matrix(name: string, shape: readonly [number, number], from?: StoredPart): Promise<Weight>
  /** A norm weight or bias: dense f32 `[size]`. */
  vector(name: string, size: number, from?: StoredPart): Promise<Tensor>
  /** One number for computations on the host, such as `input_scale` of a linear layer. */
  number(name: string): Promise<number>
  /** f32 values derived from the configuration: rope tables, ALiBi slopes. */
  constant(values: Float32Array, shape: Shape): Tensor
  has(name: string): boolean
  /** Stored shape; undefined if the file has no such tensor. */
  shapeOf(name: string): Shape | undefined
  /** Bytes of all weights loaded so far. */
  readonly byteLength: number
  dispose(): void
}

/** The tensor names and the forward pass of related architectures. */
export interface ModelFamily {
  /** Supported values of `general.architecture` and `model_type`. */
  readonly architectures: readonly string[]
  /** Builds a model, which owns `weights` from then on. */
  build(
    config: ModelConfig,
    names: 'gguf' | 'hugging-face',
    weights: WeightSource,
    device: Device,
  ): Promise<LanguageModel>
}

/** The tensor names and the forward pass of related encoders. */
export interface EncoderFamily {
  /** Supported values of `general.architecture` and `model_type`. */
  readonly architectures: readonly string[]
  /** Builds an encoder, which owns `weights` from then on. */
  build(config: EncoderConfig, names: 'gguf' | 'hugging-face', weights: WeightSource, device: Device): Promise<Encoder>
}
