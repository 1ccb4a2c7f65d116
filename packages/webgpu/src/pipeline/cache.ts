import { TesseraError } from '@tessera-llm/tensor'
import { shaderStageCompute } from '../buffer/usage.ts'
import type { MutableCounters } from '../device/counters.ts'
import type { FailureState } from '../failure/failure.ts'
import type { ComposedPass } from '../kernel/prelude.ts'

/** A pipeline that is compiled, or will be. */
export interface PipelineEntry {
  readonly layout: GPUBindGroupLayout
  /** Compiles now, on this thread, unless already compiled. */
  get(): GPUComputePipeline
  /** Compiles in the background; many at once run in parallel. */
  prepare(): Promise<void>
}

export interface PipelineCache {
  /** Errors name the pipeline by the label of the first pass that needs it: `rms-norm/row[…]`. */
  entry(pass: ComposedPass, label: string): PipelineEntry
}

export function createPipelineCache(
  device: GPUDevice,
  failures: FailureState,
  counters: MutableCounters,
): PipelineCache {
  const pipelines = new Map<string, PipelineEntry>()
  const layouts = new Map<string, { bindGroup: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>()

  const layoutOf = (types: ComposedPass['layout']) => {
    const key = types.join()
    let layout = layouts.get(key)
    if (!layout) {
      const entries = types.map((type, binding) => ({ binding, visibility: shaderStageCompute, buffer: { type } }))
      const bindGroup = device.createBindGroupLayout({ label: key, entries })
      layout = { bindGroup, pipeline: device.createPipelineLayout({ label: key, bindGroupLayouts: [bindGroup] }) }
      layouts.set(key, layout)
    }
    return layout
  }

  return {
    entry(pass, label) {
      const known = pipelines.get(pass.key)
      if (known) return known
      const layout = layoutOf(pass.layout)
      let pipeline: GPUComputePipeline | undefined
      let module: GPUShaderModule | undefined
      const descriptor = (): GPUComputePipelineDescriptor => {
        module ??= device.createShaderModule({ label, code: pass.source })
        return { label, layout: layout.pipeline, compute: { module, entryPoint: 'main', constants: pass.overrides } }
      }
      const explain = async (message: string): Promise<TesseraError> => {
        const info = await module?.getCompilationInfo().catch(() => undefined)
        const first = info?.messages.find(({ type }) => type === 'error')
        const line = first && pass.source.split('\n')[first.lineNum - 1]
        return new TesseraError(
          'invalid-kernel',
          `${label}: the kernel does not compile: ${first ? `${first.message} in line ${first.lineNum}: ${line?.trim()}` : message}`,
          {
            details: { source: pass.source, overrides: pass.overrides, message },
          },
        )
      }
      const entry: PipelineEntry = {
        layout: layout.bindGroup,
        get() {
          if (!pipeline) {
            counters.pipelinesCreated += 1
            pipeline = failures.guard('validation', () => device.createComputePipeline(descriptor()), explain)
          }
          return pipeline
        },
        async prepare() {
          if (pipeline) return
          const made = failures.guard('validation', descriptor, explain)
          try {
            const compiled = await device.createComputePipelineAsync(made)
            counters.pipelinesCreated += 1
            pipeline ??= compiled
          } catch (cause) {
            failures.fail(await explain(String(cause)))
            throw failures.translate(cause, `compiling ${label}`)
          }
        },
      }
      pipelines.set(pass.key, entry)
      return entry
    },
  }
}
