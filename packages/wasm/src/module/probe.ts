import { probeModule } from '../generated/probe.ts'
import { decodeBase64 } from './base64.ts'

/** Whether relaxed SIMD exists and computes correctly what kernels use. Compiles nothing if it does not exist. */
export function hasRelaxedSimd(): boolean {
  const bytes = decodeBase64(probeModule.relaxed)
  if (!WebAssembly.validate(bytes)) return false
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  return (instance.exports['probe'] as () => number)() === 0
}
