import type { KvCache } from '@tessera-llm/attention'
import type { Activations } from '@tessera-llm/kernels'
import type { Device, Shape, Tensor, Weight } from '@tessera-llm/tensor'
import type { EncoderConfig, ModelConfig } from '../config/index.ts'
import type { Encoder } from './encoder.ts'

/** Where the tokens of one forward pass stand; all tensors are i32 on the model's device, for a batch of one sequence. */
export interface StepInputs {
  /** Token ids, `[T]`. */
  readonly ids: Tensor
  /** Absolute positions of the tokens, `[1, T]`: what rope rotates by. */
  readonly positions: Tensor
  /** Cache row of the first token, `[1]`. */
  readonly start: Tensor
  /** Rows of the cache that are filled after this step, `[1]`. */
  readonly lengths: Tensor
}

export interface ForwardOptions {
  /** Rows to compute logits for: the last token's, every token's, or none (prefill of all but the last chunk). */
  readonly logits: 'last' | 'all' | 'none'
  /**
   * How the inputs of packed linear layers are rounded on the fly: `int8` by blocks of 32, which is faster and costs about 0.1 % of perplexity;
   * `int8-token` with one scale a token, for weights of 8 bits that were made for it; `int8-static` with the scales that a checkpoint of
   * compressed-tensors holds for its layers; `int4-token` with 4 bits and one scale a token, for rotated models.
   */
  readonly activations: Activations
  /**
   * Called with intermediate tensors by name, which are freed when the call returns: `embed`, `layers.0.output`, `final_norm`, and
   * the input of every linear layer (`layers.0.attention.query.input`, `layers.0.mlp.down.input`, `head.input`). Layers then call all ops
   * one by one; without it they take fused ones where the device has kernels for them.
   */
  readonly observe?: ((name: string, tensor: Tensor) => void) | undefined
}

/** A decoder on a device. `forward` is plain TypeScript over ops: eager when called, recorded inside `device.capture`. */
export interface LanguageModel {
  readonly device: Device
  readonly config: ModelConfig
  /** Bytes of the weights on the device. */
  readonly weightBytes: number
  /** Appends the tokens' keys and values to the cache and returns logits f32 `[rows, vocabSize]`, or nothing for `logits: 'none'`. */
  forward(step: StepInputs, cache: KvCache, options: ForwardOptions): Tensor | undefined
  dispose(): void
}

/** A weight that is not a tensor of its own in the file. */
export interface StoredPart {
  /** Rows of the stored tensor; those in `ranges`, one range after the other, make the weight. */
  readonly storedRows: number
  readonly ranges: readonly (readonly [begin: number, end: number])[]
  /** The file holds `[K, storedRows]` instead of `[storedRows, K]`. */
  readonly isTransposed?: boolean | undefined
}

/** Hands out the weights of a checkpoint while a family builds a model, and owns them. */
export interface WeightSource {
  /**
   * `linear` and `embedding` weights `[N, K]` may come packed.
   * Throws `invalid-file` naming the tensor when it is missing or misshapen.
   */
  matrix(name: string, shape: readonly [number, number], from?: StoredPart): Promise<Weight>
  /** Norm weights and biases: dense f32. */
  vector(name: string, size: number, from?: StoredPart): Promise<Tensor>
  /** One number that the host computes with, such as `input_scale` of a linear layer. */
  number(name: string): Promise<number>
  /** Values that follow from the configuration, f32: rope tables, ALiBi slopes. */
  constant(values: Float32Array, shape: Shape): Tensor
  has(name: string): boolean
  /** As the file stores it; undefined where it has no such tensor. */
  shapeOf(name: string): Shape | undefined
  /** Bytes of all that was handed out. */
  readonly byteLength: number
  dispose(): void
}

/** Knows the tensor names and the forward pass of related architectures. */
export interface ModelFamily {
  /** Values of `general.architecture` and `model_type` that it builds. */
  readonly architectures: readonly string[]
  /** The model owns `weights` from then on. */
  build(
    config: ModelConfig,
    names: 'gguf' | 'hugging-face',
    weights: WeightSource,
    device: Device,
  ): Promise<LanguageModel>
}

/** The same for encoders. */
export interface EncoderFamily {
  /** Values of `general.architecture` and `model_type` that it builds. */
  readonly architectures: readonly string[]
  /** The encoder owns `weights` from then on. */
  build(config: EncoderConfig, names: 'gguf' | 'hugging-face', weights: WeightSource, device: Device): Promise<Encoder>
}
