import {
  decodeElements,
  describeProblem,
  type Device,
  type InputSpecs,
  type Op,
  type OpInputs,
  type OpOptions,
  type OpOutputs,
  type Problem,
  sizeOf,
  specOf,
  type Tensor,
  type TensorSpec,
  TesseraError,
  type Tolerance,
  type TypedArray,
  viewBytes,
} from '@tessera-llm/tensor'
import { compare, type Comparison } from '../compare/index.ts'
import { type OpProblem, uploadInputs } from './problem.ts'

/** Options of a conformance test. */
export interface ConformOptions {
  /** The only kernel to run. */
  readonly kernel?: string | undefined
  /** Replaces the contract's tolerance, for variants whose contract states another bound. */
  readonly tolerance?: Tolerance | undefined
}

/** Result of one problem, for receipts and failure messages. */
export interface Conformance {
  readonly problem: string
  /** Undefined on a device without kernels. */
  readonly kernel: string | undefined
  /** Outputs, and inputs that the op writes, by name. */
  readonly tensors: Readonly<Record<string, Comparison>>
}

/**
 * Runs each problem on the device and on the reference device. Throws, naming the worst element, unless all outputs
 * (and inputs that the op writes) are within the contract's tolerance; a second eager call and a captured, replayed one
 * give the same bits; undeclared inputs keep their bits; and no tensor leaks.
 */
export async function conform<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  device: Device,
  reference: Device,
  op: Op<I, O, X>,
  problems: readonly OpProblem<I, X>[],
  options: ConformOptions = {},
): Promise<readonly Conformance[]> {
  if (problems.length === 0)
    throw new TesseraError('invalid-option', `conform: ${op.id} has no problems; an empty list proves nothing`)
  const reports: Conformance[] = []
  const failures: string[] = []
  for (const problem of problems) {
    const { report, failed } = await conformOne(device, reference, op, problem, options)
    reports.push(report)
    for (const failure of failed)
      failures.push(
        `${op.id}, ${problem.name}, on ${device.name}${report.kernel === undefined ? '' : ` by ${report.kernel}`}: ${failure}`,
      )
  }
  if (failures.length > 0) throw new Error(failures.join('\n'))
  return reports
}

async function conformOne<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  device: Device,
  reference: Device,
  op: Op<I, O, X>,
  problem: OpProblem<I, X>,
  { kernel, tolerance }: ConformOptions,
): Promise<{ readonly report: Conformance; readonly failed: readonly string[] }> {
  const before = device.memory().liveTensors
  const expected = await runOnce(reference, op, problem, 'eager', undefined)
  const first = await runOnce(device, op, problem, 'eager', kernel)
  const second = await runOnce(device, op, problem, 'eager', kernel)
  const replayed = await runOnce(device, op, problem, 'replayed', kernel)
  const failed: string[] = []
  const left = device.memory().liveTensors - before
  if (left !== 0) failed.push(`${left} tensors are still live after everything was disposed`)
  const allowed = tolerance ?? op.tolerance(expected.problem)
  const tensors: Record<string, Comparison> = {}
  for (const [name, want] of Object.entries(expected.tensors)) {
    const got = first.tensors[name] as Result
    const comparison = compare(got.values, want.values, allowed)
    tensors[name] = comparison
    if (!comparison.pass) failed.push(`${name}: ${comparison.message}`)
    if (!sameBits(got.raw, second.tensors[name]?.raw)) failed.push(`${name}: two equal calls gave different bits`)
    if (!sameBits(got.raw, replayed.tensors[name]?.raw))
      failed.push(`${name}: the replayed call gave other bits than the eager one`)
  }
  for (const run of [first, replayed])
    for (const name of run.changed)
      failed.push(`${name}: the kernel changed an input that the op does not declare in writes`)
  return { report: { problem: problem.name, kernel: first.kernel, tensors }, failed }
}

interface Result {
  readonly raw: TypedArray
  readonly values: Float64Array
}

interface Run<I extends OpInputs, O extends OpOutputs, X extends OpOptions> {
  readonly problem: Problem<I, O, X>
  readonly kernel: string | undefined
  readonly tensors: Readonly<Record<string, Result>>
  /** Undeclared inputs whose bits changed. */
  readonly changed: readonly string[]
}

async function runOnce<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  device: Device,
  op: Op<I, O, X>,
  problem: OpProblem<I, X>,
  mode: 'eager' | 'replayed',
  kernel: string | undefined,
): Promise<Run<I, O, X>> {
  const inputs = uploadInputs(device, problem)
  const specs = Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, input && specOf(input)]),
  ) as InputSpecs<I>
  const described = describeProblem(op, specs, problem.options)
  poison(device, Object.values(described.outputs))
  const plan =
    mode === 'replayed' ? device.capture(() => device.run(op, inputs, problem.options, { kernel })) : undefined
  try {
    const unwritten = Object.entries(inputs).filter(
      ([name, input]) => input?.kind === 'dense' && !op.writes?.includes(name),
    ) as [string, Tensor][]
    const originals = await Promise.all(unwritten.map(([, tensor]) => device.read(tensor)))
    plan?.replay()
    const outputs = plan?.result ?? device.run(op, inputs, problem.options, { kernel })
    const tensors: Record<string, Result> = {}
    for (const name of op.writes ?? []) tensors[name] = await resultOf(device, inputs[name] as Tensor)
    for (const [name, output] of Object.entries(outputs)) {
      tensors[name] = await resultOf(device, output)
      if (!plan) output.dispose()
    }
    const now = await Promise.all(unwritten.map(([, tensor]) => device.read(tensor)))
    const explanation =
      device.kind === 'reference' ? undefined : device.explain(op, inputs, problem.options, { kernel })
    return {
      problem: described,
      kernel: explanation?.kernel,
      tensors,
      changed: unwritten.flatMap(([name], index) =>
        sameBits(originals[index] as TypedArray, now[index]) ? [] : [name],
      ),
    }
  } finally {
    plan?.dispose()
    for (const input of Object.values(inputs)) input?.dispose()
  }
}

/**
 * Leaves NaN in the memory that outputs will probably get, to expose kernels that skip an element or accumulate into
 * old contents.
 */
function poison(device: Device, outputs: readonly TensorSpec[]): void {
  const tensors = outputs.map(({ dtype, shape }) => {
    const tensor = device.empty(shape, dtype)
    device.write(tensor, viewBytes(new Uint8Array(tensor.byteLength).fill(0xff), dtype))
    return tensor
  })
  for (const tensor of tensors) tensor.dispose()
}

async function resultOf(device: Device, tensor: Tensor): Promise<Result> {
  const raw = await device.read(tensor)
  return { raw: raw.slice(), values: decodeElements(raw, tensor.dtype, sizeOf(tensor.shape)) }
}

function sameBits(a: TypedArray, b: TypedArray | undefined): boolean {
  if (b?.byteLength !== a.byteLength) return false
  const left = new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
  const right = new Uint8Array(b.buffer, b.byteOffset, b.byteLength)
  return left.every((byte, index) => byte === right[index])
}
