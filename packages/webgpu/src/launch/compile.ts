import {
  type Capabilities,
  type Launch,
  type Problem,
  TesseraError,
  type Tensor,
  type Weight,
} from '@tessera-llm/tensor'
import type { WebGpuStorage } from '../buffer/pool.ts'
import { webgpuCapabilities } from '../capability/capabilities.ts'
import type { WebGpuKernel } from '../kernel/kernel.ts'
import { composePass, encodeParams } from '../kernel/prelude.ts'
import type { PipelineCache, PipelineEntry } from '../pipeline/cache.ts'
import type { Uniform } from './uniforms.ts'

/** One dispatch with everything that depends only on the problem. */
export interface CompiledPass {
  /** Name in labels, errors and timings: `rms-norm/row[x:f32[4,64] eps=0.00001]`. */
  readonly label: string
  readonly pipeline: PipelineEntry
  /** Tensors by name, in binding order; the uniform buffer, if any, follows. */
  readonly tensors: readonly string[]
  readonly writes: readonly boolean[]
  readonly uniform: Uniform | undefined
  readonly workgroups: readonly [number, number, number]
  /** Bind groups by the ids and sizes of the slots bound, oldest first. */
  readonly bindGroups: Map<string, CachedBindGroup>
}

export interface CachedBindGroup {
  readonly group: GPUBindGroup
  forget(): void
}

export interface CompiledLaunch {
  readonly passes: readonly CompiledPass[]
  readonly temporaries: readonly (readonly [string, number])[]
  /** Plans that replay it. */
  plans: number
  /** False once the cache has let go of it. */
  isKept: boolean
}

export interface CompileContext {
  readonly capabilities: Capabilities
  readonly pipelines: PipelineCache
  uniform(bytes: Uint8Array, label: string): Uniform
}

/** Derives the passes of a kernel for a problem; omits empty dispatches. */
export function compileLaunch(kernel: WebGpuKernel, problem: Problem, context: CompileContext): CompiledLaunch {
  const limit = webgpuCapabilities(context.capabilities).limits.maxComputeWorkgroupsPerDimension
  const passes: CompiledPass[] = []
  for (const pass of kernel.passes(problem, context.capabilities)) {
    const label = `${kernel.op}/${pass.name}[${describe(problem)}]`
    if (pass.workgroups.some((count) => !Number.isInteger(count) || count < 0 || count > limit)) {
      throw new TesseraError(
        'invalid-kernel',
        `${label}: ${pass.workgroups.join(' × ')} workgroups; a dimension has 0 to ${limit}, so split a larger count with linearGrid`,
      )
    }
    if (pass.workgroups.includes(0)) continue
    const params = encodeParams(pass)
    passes.push({
      label,
      pipeline: context.pipelines.entry(composePass(pass), label),
      tensors: pass.bindings.map(({ tensor }) => tensor),
      writes: pass.bindings.map(({ access }) => access === 'read_write'),
      uniform: params && context.uniform(params, label),
      workgroups: pass.workgroups,
      bindGroups: new Map(),
    })
  }
  const temporaries = Object.entries(kernel.temporaries?.(problem, context.capabilities) ?? {})
  return { passes, temporaries, plans: 0, isKept: true }
}

/** Storage that a binding names: an input, an output, `input.part` of a packed input, or a temporary. */
export function storageOf(
  name: string,
  launch: Pick<Launch<WebGpuKernel>, 'inputs' | 'outputs'>,
  temporaries: ReadonlyMap<string, WebGpuStorage>,
  label: string,
): WebGpuStorage {
  const temporary = temporaries.get(name)
  if (temporary) return temporary
  const dot = name.indexOf('.')
  const tensor: Weight | undefined = launch.outputs[name] ?? launch.inputs[dot < 0 ? name : name.slice(0, dot)]
  const dense: Tensor | undefined =
    tensor?.kind === 'packed' ? tensor.parts[name.slice(dot + 1)] : dot < 0 ? tensor : undefined
  if (!dense) {
    throw new TesseraError(
      'invalid-kernel',
      `${label}: binds ${name}, which is no input, output, part or temporary of this call; the kernel must bind what the problem has`,
    )
  }
  return dense.storage as WebGpuStorage
}

/** `x:f32[4,64] weight:q4_1[64,64] eps=0.00001`, for labels. */
function describe(problem: Problem): string {
  const words: string[] = []
  for (const [name, spec] of Object.entries(problem.inputs)) {
    if (spec) words.push(`${name}:${spec.kind === 'dense' ? spec.dtype : spec.format.id}[${spec.shape.join()}]`)
  }
  for (const [name, value] of Object.entries(problem.options)) {
    if (value !== undefined) words.push(`${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
  }
  return words.join(' ')
}
