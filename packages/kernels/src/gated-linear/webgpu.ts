import { type Capabilities, lastAxis, type Problem, rowsOf } from '@tessera-llm/tensor'
import { linearGrid, type WebGpuKernel, type WebGpuPass } from '@tessera-llm/webgpu'
import { activationFragments } from '../activation/wgsl.ts'
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
import { bind, defineWebGpuKernel, instantiate, u32 } from '../webgpu-kernel/index.ts'
import type { WeightReader } from '../weight-reader/index.ts'
import { type GatedLinearInputs, gatedLinearOp, type GatedLinearOptions, type GatedLinearOutputs } from './contract.ts'
import gemv from './gemv.wgsl'

type GatedProblem = Problem<GatedLinearInputs, GatedLinearOutputs, GatedLinearOptions>

/** `gated-linear` for one token; each weight is read by the first reader that supports it. */
export function gatedLinearKernel(name: string, readers: readonly WeightReader[]): WebGpuKernel {
  const readersFor = ({ inputs: { gate, up } }: GatedProblem): readonly WeightReader[] | string =>
    readersOf([gate, up], readers)
  return defineWebGpuKernel(gatedLinearOp, {
    name: `gemv-${name}`,
    supports(problem, capabilities) {
      const tokens = rowsOf(problem.inputs.x.shape)
      if (tokens !== 1) return `takes one token, not ${tokens}`
      const found = readersFor(problem)
      return typeof found === 'string' ? found : fitsBindings(passesOf(problem, found, capabilities), capabilities)
    },
    passes: (problem, capabilities) => passesOf(problem, readersFor(problem) as readonly WeightReader[], capabilities),
    temporaries: (problem, capabilities) =>
      fusedTemporaries(
        problem as FusedProblem,
        problem.inputs.gate,
        isDotOf(problem, readersFor(problem) as readonly WeightReader[], capabilities),
      ),
  })
}

function isDotOf(problem: GatedProblem, readers: readonly WeightReader[], capabilities: Capabilities): boolean {
  return usesDot(problem as FusedProblem, [problem.inputs.gate, problem.inputs.up], readers, capabilities)
}

function passesOf(
  problem: GatedProblem,
  readers: readonly WeightReader[],
  capabilities: Capabilities,
): readonly WebGpuPass[] {
  const {
    inputs: { x, gate, up },
    options: { kind },
  } = problem
  const columns = lastAxis(x.shape)
  const rows = gate.shape[0] ?? 0
  const isDot = isDotOf(problem, readers, capabilities)
  const weights = [
    fusedWeight('gate', gate, readers[0] as WeightReader, isDot),
    fusedWeight('up', up, readers[1] as WeightReader, isDot),
  ]
  const plan = gemvPlan(
    2 * rows,
    columns,
    Math.max(...readers.map((reader, index) => reader.groupSize(index === 0 ? gate : up))),
    capabilities,
  )
  const lanes = gemvLanes(plan, capabilities)
  const source = fusedSource(problem as FusedProblem, gate, isDot, lanes, capabilities)
  return [
    ...source.passes,
    {
      name: 'gemv',
      source: gemv,
      enables: lanes.enables,
      aliases: { elem: 'f32' },
      bindings: [...source.bindings, ...weights.flatMap(({ bindings }) => bindings), bind('y', 'read_write')],
      fragments: [
        lanes.fragment,
        instantiate([lanes.sum], 'gate_'),
        instantiate([lanes.sum], 'up_'),
        ...source.fragments,
        ...weights.flatMap(({ fragments }) => fragments),
        ...activationFragments(kind),
      ],
      constants: lanes.constants,
      params: { columns: u32(columns), ...source.params, ...Object.assign({}, ...weights.map(({ params }) => params)) },
      workgroups: linearGrid(Math.ceil(rows / plan.workgroupRows)),
    },
  ]
}
