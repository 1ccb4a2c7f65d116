import { halfToFloat, loadBrain4, loadHalf4 } from '@tessera-llm/wasm/assembly/lib'

// Storage kinds of dense weights. `kind` is a constant at each call, so every function inlines to a single load.

export const F32: i32 = 0
export const F16: i32 = 1
export const BF16: i32 = 2

@inline
export function elementBytes(kind: i32): usize {
  return kind == F32 ? 4 : 2
}

/** Loads one element as f32. */
@inline
export function loadElement(kind: i32, address: usize): f32 {
  if (kind == F32) return load<f32>(address)
  if (kind == F16) return halfToFloat(load<u16>(address))
  return reinterpret<f32>((<u32>load<u16>(address)) << 16)
}

/** Loads four adjacent elements as f32. f16 weights must be finite. */
@inline
export function loadElement4(kind: i32, address: usize): v128 {
  if (kind == F32) return v128.load(address)
  if (kind == F16) return loadHalf4(address)
  return loadBrain4(address)
}
