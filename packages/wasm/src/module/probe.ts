import { probeModule } from '../generated/probe.ts'
import { decodeBase64 } from './base64.ts'

/** Whether relaxed SIMD is there and computes what kernels rely on. Compiles nothing where it is not. */
export function hasRelaxedSimd(): boolean {
  const bytes = decodeBase64(probeModule.relaxed)
  if (!WebAssembly.validate(bytes)) return false
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  return (instance.exports['probe'] as () => number)() === 0
}
