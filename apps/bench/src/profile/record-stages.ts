import type { Problem } from '@tessera-llm/tensor'
import type { WasmKernel } from '@tessera-llm/wasm'

/** A stage of a captured plan, in the order of replay. */
export interface RecordedStage {
  /** `op/kernel/entry`, as the device's own timing calls it. */
  readonly label: string
  /** `op/kernel` */
  readonly kernel: string
  readonly entry: string
  readonly problem: Problem
  /** Position among the stages of its launch. */
  readonly position: number
}

export interface StageRecorder {
  /** The same kernels, to be given to the device. */
  readonly kernels: readonly WasmKernel[]
  /** Stages launched or captured since the last call. */
  take(): readonly RecordedStage[]
}

/**
 * Records the problem of each stage: a device's timing knows labels only. A stage's arguments are written once per
 * launch, in order, so recording hooks in there.
 */
export function recordStages(kernels: readonly WasmKernel[]): StageRecorder {
  const recorded: RecordedStage[] = []
  const watched = kernels.map(
    (kernel): WasmKernel => ({
      ...kernel,
      stages: (problem, capabilities) =>
        kernel.stages(problem, capabilities).map((stage, position) => {
          const name = `${kernel.op}/${kernel.name}`
          const noted: RecordedStage = {
            label: `${name}/${stage.entry}`,
            kernel: name,
            entry: stage.entry,
            problem,
            position,
          }
          return {
            entry: stage.entry,
            args(write, bindings) {
              recorded.push(noted)
              stage.args(write, bindings)
            },
          }
        }),
    }),
  )
  return { kernels: watched, take: () => recorded.splice(0) }
}
