import { TesseraError } from '../error/index.ts'
import type { JsonValue, Op, Problem } from '../op/index.ts'

/** Capabilities of a device, as plain JSON. Kernel choice depends only on these and the problem. */
export type Capabilities = { readonly [name: string]: JsonValue | undefined }

/** Version of the kernel interface below. Devices refuse kernels of another version with `kernel-abi`. */
export const kernelAbi = 1

/**
 * A kernel is data: the op it implements, when it can, and (in device packages' extensions of this type) its
 * specialization, bindings and sizes. It never touches a device.
 */
export interface Kernel {
  readonly abi: typeof kernelAbi
  readonly device: 'wasm' | 'webgpu'
  /** Op id and contract version that it implements. */
  readonly op: string
  readonly opVersion: number
  /** Algorithm name, unique within the op: `flash`, `plain`, `gemv-rows8`. */
  readonly name: string
  /** Higher wins among the supported ones; 0 when absent. May depend on the problem. */
  priority?(problem: Problem, capabilities: Capabilities): number
  /** `true`, or the reason why not, shown to users by `device.explain`. */
  supports(problem: Problem, capabilities: Capabilities): true | string
}

/** A kernel that was considered for a call. */
export interface Candidate {
  readonly kernel: string
  readonly supported: true | string
  readonly priority: number
}

/** Which kernel a call would use, and why not the others. */
export interface Explanation {
  readonly op: string
  readonly device: string
  readonly kernel: string | undefined
  readonly reason: string
  readonly candidates: readonly Candidate[]
}

/** Kernel chosen for a call, with the explanation. */
export interface Selection<K extends Kernel> {
  readonly kernel: K | undefined
  readonly explanation: Explanation
}

/**
 * Picks the kernel of highest priority that supports the problem (the first listed wins a tie), or only the one named.
 */
export function selectKernel<K extends Kernel>(
  op: Op,
  problem: Problem,
  kernels: readonly K[],
  capabilities: Capabilities,
  device: string,
  name?: string,
): Selection<K> {
  const candidates: Candidate[] = []
  let best: K | undefined
  let bestPriority = Number.NEGATIVE_INFINITY
  for (const kernel of kernels) {
    if (kernel.op !== op.id || kernel.opVersion !== op.version) continue
    const supported =
      name !== undefined && kernel.name !== name ? `the call asked for ${name}` : kernel.supports(problem, capabilities)
    const priority = kernel.priority?.(problem, capabilities) ?? 0
    candidates.push({ kernel: kernel.name, supported, priority })
    if (supported === true && priority > bestPriority) {
      best = kernel
      bestPriority = priority
    }
  }
  const reason = best
    ? `${best.name} has the highest priority (${bestPriority}) of ${candidates.filter((c) => c.supported === true).length} supported`
    : candidates.length === 0
      ? `no kernel of ${op.id}@${op.version} was passed to the device; add the kernels of ${op.package}`
      : candidates.map((c) => `${c.kernel}: ${c.supported}`).join('; ')
  return { kernel: best, explanation: { op: op.id, device, kernel: best?.name, reason, candidates } }
}

/** Throws for kernels of another ABI version or another kind of device. */
export function checkKernels(kernels: readonly Kernel[], device: Kernel['device']): void {
  for (const kernel of kernels) {
    if (kernel.abi !== kernelAbi) {
      throw new TesseraError(
        'kernel-abi',
        `${device} device: the kernel ${kernel.op}/${kernel.name} has ABI ${String(kernel.abi)}, this device speaks ${kernelAbi}; update the older of the two packages`,
      )
    }
    if (kernel.device !== device) {
      throw new TesseraError(
        'invalid-option',
        `${device} device: the kernel ${kernel.op}/${kernel.name} is for ${kernel.device}; import it from the package's /${device} subpath`,
      )
    }
  }
}
