import {
  type Device,
  type Op,
  type OpInputs,
  type OpOptions,
  type OpOutputs,
  type Tensor,
  TesseraError,
} from '@tessera-llm/tensor'
import { compare, valuesOf } from '../compare/index.ts'
import type { GoldenOutput } from '../golden/index.ts'
import { conform, type ConformOptions } from './conform.ts'
import { type OpProblem, uploadInputs } from './problem.ts'

/** A test that every device must pass, whatever the op: a row of a table that all devices' tests share. */
export interface DeviceCase {
  readonly name: string
  /** Op id. */
  readonly op: string
  /** Throws, naming the worst element, if the device deviates. */
  run(device: Device, reference: Device, options?: ConformOptions): Promise<void>
}

/**
 * Case: the device must match the results of an independent implementation within the golden's tolerance. `expected` is
 * by output name.
 */
export function goldenCase<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  op: Op<I, O, X>,
  problem: OpProblem<I, X>,
  expected: { readonly [K in keyof O]?: GoldenOutput },
): DeviceCase {
  const wanted = Object.entries<GoldenOutput | undefined>(expected).filter(
    (entry): entry is [string, GoldenOutput] => entry[1] !== undefined,
  )
  if (wanted.length === 0)
    throw new TesseraError('invalid-option', `goldenCase: ${problem.name} expects no output; it would prove nothing`)
  return {
    name: problem.name,
    op: op.id,
    async run(device, _, { kernel, tolerance } = {}) {
      const inputs = uploadInputs(device, problem)
      const outputs = device.run(op, inputs, problem.options, { kernel })
      const failures: string[] = []
      for (const [name, want] of wanted) {
        const output = outputs[name] as Tensor
        if (output.shape.join() !== want.shape.join())
          failures.push(`${name}: got shape [${output.shape.join(', ')}], expected [${want.shape.join(', ')}]`)
        const comparison = compare(await valuesOf(output), await valuesOf(want), tolerance ?? want.tolerance)
        if (!comparison.pass) failures.push(`${name}: ${comparison.message}`)
      }
      for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor?.dispose()
      if (failures.length > 0)
        throw new Error(
          failures.map((failure) => `${op.id}, golden ${problem.name}, on ${device.name}: ${failure}`).join('\n'),
        )
    },
  }
}

/** Case: the device must conform to the reference device on this problem; see `conform`. */
export function conformanceCase<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  op: Op<I, O, X>,
  problem: OpProblem<I, X>,
): DeviceCase {
  return {
    name: problem.name,
    op: op.id,
    async run(device, reference, options) {
      await conform(device, reference, op, [problem], options)
    },
  }
}
