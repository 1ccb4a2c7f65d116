export interface WasmSetup {
  readonly threads: number
  readonly relaxedSimd: boolean
}

/** How kernels for WebAssembly are tested: by one thread, by a number that divides few shapes, and in the build without relaxed SIMD. For `describe.each`. */
export const wasmSetups: readonly WasmSetup[] = [
  { threads: 1, relaxedSimd: true },
  { threads: 3, relaxedSimd: true },
  { threads: 2, relaxedSimd: false },
]
