import { probeModule } from '../generated/probe.ts'
import { decodeBase64 } from './base64.ts'

/** Whether relaxed SIMD exists and computes correctly what kernels use. Compiles nothing if it does not exist. */
export function hasRelaxedSimd(): boolean {
  return probes()?.probe() === 0
}

/**
 * How a dot product of bytes that adds to 32 bits (`i32x4.relaxed_dot_i8x16_i7x16_add_s`) takes the bytes of its second
 * operand: one instruction of processors with AVX-VNNI (`unsigned`; V8 13.6 of Node.js 24 uses it, 12.4 of Node.js 22
 * does not) or with Arm's dot products (`signed`, by their specification).
 */
export type DotAdd = 'unsigned' | 'signed'

/** How the platform's dot product that adds takes bytes, or undefined where it is several instructions. */
export function dotAddOf(): DotAdd | undefined {
  const found = probes()
  return found?.probe() === 0 ? ([undefined, 'unsigned', 'signed'] as const)[found.dotAdd()] : undefined
}

/**
 * The tests of `assembly/probe.entry.ts`, where relaxed SIMD exists. They run once, as the engine's first compiler has
 * them: that its later ones agree is not checked here.
 */
function probes(): Probes | undefined {
  const bytes = decodeBase64(probeModule.relaxed)
  if (!WebAssembly.validate(bytes)) return undefined
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  return exports as unknown as Probes
}

interface Probes {
  probe(): number
  dotAdd(): number
}
