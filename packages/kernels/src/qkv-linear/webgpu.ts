import { type Capabilities, lastAxis, rowsOf, type Problem } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import {
  fitsBindings,
  type FusedProblem,
  fusedSource,
  fusedTemporaries,
  fusedWeight,
  readersOf,
  usesDot,
} from '../fused-input/webgpu.ts'
import { gemvLanes, gemvPlan } from '../linear/gemv.ts'
import { bind, defineWebGpuKernel, u32 } from '../webgpu-kernel/index.ts'
import type { WeightReader } from '../weight-reader/index.ts'
import { type QkvLinearInputs, qkvLinearOp, type QkvLinearOptions, type QkvLinearOutputs } from './contract.ts'
import gemv from './gemv.wgsl'

type QkvProblem = Problem<QkvLinearInputs, QkvLinearOutputs, QkvLinearOptions>

const names = ['query', 'key', 'value'] as const
const outputNames = { query: 'q', key: 'k', value: 'v' } as const

/** `qkv-linear` for one token; each weight is read by the first reader that supports it. */
export function qkvLinearKernel(name: string, readers: readonly WeightReader[]): WebGpuKernel {
  return defineWebGpuKernel(qkvLinearOp, {
    name: `gemv-${name}`,
    supports(problem, capabilities) {
      const tokens = rowsOf(problem.inputs.x.shape)
      if (tokens !== 1) return `takes one token, not ${tokens}`
      const found = readersOf(weightsOf(problem), readers)
      return typeof found === 'string' ? found : fitsBindings(passesOf(problem, found, capabilities), capabilities)
    },
    passes: (problem, capabilities) =>
      passesOf(problem, readersOf(weightsOf(problem), readers) as readonly WeightReader[], capabilities),
    temporaries: (problem, capabilities) =>
      fusedTemporaries(
        problem as FusedProblem,
        problem.inputs.query,
        isDotOf(problem, readersOf(weightsOf(problem), readers) as readonly WeightReader[], capabilities),
      ),
  })
}

function weightsOf({ inputs }: QkvProblem): QkvProblem['inputs']['query'][] {
  return names.map((name) => inputs[name])
}

function isDotOf(problem: QkvProblem, readers: readonly WeightReader[], capabilities: Capabilities): boolean {
  return usesDot(problem as FusedProblem, weightsOf(problem), readers, capabilities)
}

function passesOf(
  problem: QkvProblem,
  readers: readonly WeightReader[],
  capabilities: Capabilities,
): readonly WebGpuPass[] {
  const { inputs } = problem
  const columns = lastAxis(inputs.x.shape)
  const isDot = isDotOf(problem, readers, capabilities)
  const weights = names.map((name, index) => fusedWeight(name, inputs[name], readers[index] as WeightReader, isDot))
  const rowsOfWeight = names.map((name) => inputs[name].shape[0] ?? 0)
  const plan = gemvPlan(
    rowsOfWeight.reduce((sum, rows) => sum + rows, 0),
    columns,
    Math.max(...names.map((name, index) => (readers[index] as WeightReader).groupSize(inputs[name]))),
    capabilities,
  )
  const lanes = gemvLanes(plan, capabilities)
  const source = fusedSource(problem as FusedProblem, inputs.query, isDot, lanes, capabilities)
  const groups = rowsOfWeight.map((rows) => Math.ceil(rows / plan.workgroupRows))
  return [
    ...source.passes,
    {
      name: 'gemv',
      source: gemv,
      enables: lanes.enables,
      bindings: [
        ...source.bindings,
        ...weights.flatMap(({ bindings }) => bindings),
        ...names.flatMap((name) =>
          inputs[`${name}Bias`] ? [{ ...bind(`${name}_bias`, 'read'), tensor: `${name}Bias` }] : [],
        ),
        ...names.map((name) => bind(outputNames[name], 'read_write')),
      ],
      fragments: [
        lanes.fragment,
        lanes.sum,
        ...source.fragments,
        ...weights.flatMap(({ fragments }) => fragments),
        ...names.map(
          (name) =>
            `fn ${name}_bias_of(row: u32) -> f32 { return ${inputs[`${name}Bias`] ? `${name}_bias[row]` : '0.0'}; }`,
        ),
      ],
      constants: lanes.constants,
      params: {
        columns: u32(columns),
        ...source.params,
        ...Object.assign({}, ...weights.map(({ params }) => params)),
        query_groups: u32(groups[0] ?? 0),
        key_groups: u32(groups[1] ?? 0),
      },
      workgroups: linearGrid(groups.reduce((total, count) => total + count, 0)),
    },
  ]
}
