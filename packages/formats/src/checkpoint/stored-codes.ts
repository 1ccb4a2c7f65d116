import type { Format } from '@tessera-llm/tensor'

type DeviceKind = 'reference' | 'wasm' | 'webgpu'

/** Codes and scales of a tensor that is shown decoded: the same values, which some devices compute with as they are. */
export interface StoredCodes {
  /** What devices of this kind hold them as; undefined where they have no kernel, or the decoded tensor takes as little memory. */
  formatFor(device: DeviceKind): Format | undefined
  /** The parts of that format, of all rows or of `ranges` one after the other. */
  pack(
    device: DeviceKind,
    ranges: readonly (readonly [begin: number, end: number])[] | undefined,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, Uint8Array>>>
}
