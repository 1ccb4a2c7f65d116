/** Configuration of a WebAssembly device in tests. */
export interface WasmSetup {
  readonly threads: number
  readonly relaxedSimd: boolean
}

/**
 * Setups for tests of WebAssembly kernels: one thread, a thread count that divides few shapes, and the build without
 * relaxed SIMD. For `describe.each`.
 */
export const wasmSetups: readonly WasmSetup[] = [
  { threads: 1, relaxedSimd: true },
  { threads: 3, relaxedSimd: true },
  { threads: 2, relaxedSimd: false },
]
