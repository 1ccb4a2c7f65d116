import type { Shape } from '../shape/index.ts'
import type { Tensor } from '../tensor/index.ts'
import type { Format } from './format.ts'

/**
 * Converts a weight from its file format to the format that one kind of device computes with. Callers pass packers to
 * the loader along with the kernels that read the format; nothing is registered.
 */
export interface WeightPacker {
  /** Format id of the stored tensor: `q4_1`. */
  readonly source: string
  readonly device: 'reference' | 'wasm' | 'webgpu'
  /** Format of the packed weight. */
  readonly format: Format
  /** `true`, or the reason why a weight of this shape cannot be packed. */
  supports(shape: Shape): true | string
  /** Converts raw stored rows to the format's parts, by name. Values do not change. */
  pack(stored: Uint8Array, shape: Shape): Readonly<Record<string, Uint8Array>>
  /**
   * The same conversion as a kernel of the device, on all threads and without copies in JavaScript, if there is one.
   */
  readonly onDevice?: DevicePacking | undefined
}

/** Packs stored rows that are in device memory, some at a time, so that a large weight is never there twice. */
export interface DevicePacking {
  /** Each call's first row is a multiple of this. */
  readonly rowStep: number
  /**
   * Packs the `rows` stored rows at the start of `stored` (u8) as rows `firstRow` … of the weight [N, K] with the parts
   * `parts`.
   */
  packRows(stored: Tensor, parts: Readonly<Record<string, Tensor>>, shape: Shape, firstRow: number, rows: number): void
}
