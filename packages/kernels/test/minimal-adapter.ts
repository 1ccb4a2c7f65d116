/** Adapter whose devices have only what every WebGPU implementation has: no optional feature, the guaranteed limits. */
export async function minimalAdapter(gpu: GPU): Promise<GPUAdapter> {
  const adapter = await gpu.requestAdapter()
  if (!adapter) throw new Error('the GPU has no adapter')
  return new Proxy(adapter, {
    get(target, name) {
      if (name === 'requestDevice') return () => target.requestDevice()
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
