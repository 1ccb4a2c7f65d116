import type { Shape } from '../shape/index.ts'
import type { Tensor } from '../tensor/index.ts'
import type { Format } from './format.ts'

/**
 * Turns a weight as a file stores it into the format that one kind of device computes with. Callers pass packers to the
 * loader beside the kernels that read the format; nothing is registered.
 */
export interface WeightPacker {
  /** Format id of the stored tensor: `q4_1`. */
  readonly source: string
  readonly device: 'reference' | 'wasm' | 'webgpu'
  /** What the packed weight will be. */
  readonly format: Format
  /** `true`, or why a weight of this shape cannot be packed. */
  supports(shape: Shape): true | string
  /** Raw stored rows to the format's parts, by name. The values do not change. */
  pack(stored: Uint8Array, shape: Shape): Readonly<Record<string, Uint8Array>>
  /** The same by a kernel of the device: no copies in JavaScript, and on all threads. Absent where there is none. */
  readonly onDevice?: DevicePacking | undefined
}

/** Packs stored rows that lie in the device's memory, some at a time, so that a large weight is never there twice. */
export interface DevicePacking {
  /** Rows begin at a multiple of this many. */
  readonly rowStep: number
  /** Packs the `rows` stored rows at the beginning of `stored`, u8, as those from `firstRow` on of the weight [N, K] whose parts are `parts`. */
  packRows(stored: Tensor, parts: Readonly<Record<string, Tensor>>, shape: Shape, firstRow: number, rows: number): void
}
