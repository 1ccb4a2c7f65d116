import type { Shape } from '@tessera-llm/tensor'

/** A weight that can be read as f32, whatever its storage format. */
export interface ModelWeight {
  /** Canonical name: `layers.3.mlp.down`. */
  readonly name: string
  /** Name in the checkpoint: `blk.3.ffn_down.weight`. */
  readonly storedName: string
  /** Row-major; matrices of linear layers are [outputs, inputs]. */
  readonly shape: Shape
  /** Id of the storage format. */
  readonly format: string
  readonly storedBytes: number
  /** Reads the values, row-major, into a new array, which the caller may change. */
  read(signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>
}

/**
 * The weights of a model by canonical name, read one at a time. Transformations such as a rotation wrap them and return
 * new ones.
 */
export type ModelWeights = ReadonlyMap<string, ModelWeight>
