import type { WebGpuKernel } from '@tessera-llm/webgpu'

/** Kernels as specialized for a software or a hardware adapter, whichever the tests run on. */
export function specialisedFor(
  adapter: 'software' | 'hardware',
  kernels: readonly WebGpuKernel[],
  more: { readonly subgroupMinSize?: number } = {},
): readonly WebGpuKernel[] {
  const isFallback = adapter === 'software'
  return kernels.map((kernel) => ({
    ...kernel,
    passes: (problem, capabilities) => kernel.passes(problem, { ...capabilities, isFallback, ...more }),
  }))
}
