import type { Format } from '@tessera-llm/tensor'

type DeviceKind = 'reference' | 'wasm' | 'webgpu'

/** Codes and scales of a tensor that is shown decoded: the same values, which some devices compute with as they are. */
export interface StoredCodes {
  /**
   * Format in which devices of this kind hold the codes; undefined if they have no kernel, or if the decoded tensor
   * takes as little memory.
   */
  formatFor(device: DeviceKind): Format | undefined
  /** The parts of that format, of all rows or of `ranges` one after the other. */
  pack(
    device: DeviceKind,
    ranges: readonly (readonly [begin: number, end: number])[] | undefined,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, Uint8Array>>>
}
