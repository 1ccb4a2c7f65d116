import type { ConvertHeadsOptions } from '@tessera-llm/attention'

/** Interface of the engine, which computes for the pages in a worker. */
export interface Engine {
  start(device: 'wasm' | 'webgpu'): Promise<ModelFacts>
  capture(request: CaptureRequest): Promise<Capture>
  attend(request: AttendRequest): Promise<Attended>
  matrix(name: string): Promise<Matrix>
  quantize(request: QuantizeRequest): Promise<Quantized>
  convert(request: ConvertRequest): Promise<Converted>
}

export interface ModelFacts {
  readonly device: string
  readonly numLayers: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly contextLength: number
  /** Matrices of linear layers, by canonical name. */
  readonly matrices: readonly string[]
  /** On the held-out text, with the weights as they are. */
  readonly perplexity: number
}

export interface CaptureRequest {
  readonly text: string
  readonly layer: number
  readonly maxTokens: number
}

/** Queries and keys after their rotation, and values, of one layer: f32[tokens, heads, headDim]. */
export interface Capture {
  readonly tokens: readonly string[]
  readonly headDim: number
  readonly q: Float32Array
  readonly k: Float32Array
  readonly v: Float32Array
}

export interface AttendRequest extends Capture {
  readonly isCausal: boolean
  readonly window: number | undefined
}

/** f32[tokens, heads, headDim] of the device's own kernels. */
export interface Attended {
  readonly plain: Float32Array
  readonly flash: Float32Array
  readonly device: string
}

export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly values: Float32Array
}

export interface QuantizeRequest {
  readonly name: string
  readonly method: 'rtn' | 'hqq' | 'gptq'
  readonly bits: 2 | 3 | 4 | 8
  readonly group: number | 'row'
  /** Quantizes every linear layer of the model before the perplexity is measured, not this one alone. */
  readonly all: boolean
}

export interface Quantized {
  /** The matrix after rounding. */
  readonly values: Float32Array
  readonly bytes: { readonly before: number; readonly after: number }
  readonly bitsPerWeight: number
  /** ‖X (W − Q)ᵀ‖² / ‖X Wᵀ‖² on the calibration text. */
  readonly outputError: number
  readonly perplexity: number
  readonly quantizeMs: number
}

export interface ConvertRequest {
  readonly numKvHeads: number
  readonly method: ConvertHeadsOptions['method']
}

export interface Converted extends ConvertRequest {
  /** f16 keys and values of one token, in all layers. */
  readonly cacheBytesPerToken: number
  readonly perplexity: number
  readonly kld: number
  readonly top1Agreement: number
}

export type Call = { readonly id: number; readonly method: keyof Engine; readonly args: readonly unknown[] }
export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string }
