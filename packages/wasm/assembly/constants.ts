// Vectors that the device writes at the bottom of the arena (src/memory/constants.ts). Loading one keeps it in a register;
// some engines make a splatted constant anew in each iteration of a loop.

const BASE: usize = 64

// @ts-ignore: decorator
@inline
export function nibbleMask(): v128 {
  return v128.load(BASE)
}

// @ts-ignore: decorator
@inline
export function halfMask(): v128 {
  return v128.load(BASE, 16)
}

// @ts-ignore: decorator
@inline
export function halfBias(): v128 {
  return v128.load(BASE, 32)
}

/** Bit 4 of every byte, or bits 4 and 5. */
// @ts-ignore: decorator
@inline
export function highMask(bits: i32): v128 {
  return bits == 1 ? v128.load(BASE, 48) : v128.load(BASE, 64)
}
