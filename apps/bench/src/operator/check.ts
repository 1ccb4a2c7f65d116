import { createReferenceDevice, denseSpec, describeProblem, sizeOf, specOf, type Tensor } from '@tessera-llm/tensor'
import type { OpWorkload } from '../workload/workload.ts'
import { probesOfOutput } from './operator.ts'
import { operatorOf } from './table.ts'

/**
 * Describes the error of an answer, or returns undefined. Compares with the op's f64 definition, within the contract's
 * tolerance.
 */
export async function problemOfOperator(
  { operator, size }: OpWorkload,
  answer: readonly number[] | undefined,
): Promise<string | undefined> {
  const { op, options, inputs, output } = operatorOf(operator)
  const device = createReferenceDevice()
  const given = Object.fromEntries(
    Object.entries(inputs(size)).map(([name, { data, shape, dtype }]) => [name, device.tensor(data(), shape, dtype)]),
  )
  const tolerance = op.tolerance(
    describeProblem(
      op,
      Object.fromEntries(Object.entries(given).map(([name, tensor]) => [name, denseSpec(specOf(tensor), op.id, name)])),
      options,
    ),
  )
  const exact = { ...given, ...device.run(op, given, options) }[output] as Tensor
  const probes = probesOfOutput(sizeOf(exact.shape))
  if (answer?.length !== probes.length)
    return `gave ${answer?.length ?? 'no'} elements of its result, not ${probes.length}`
  const expected = await device.read(exact)
  for (const [index, at] of probes.entries()) {
    const right = Number(expected[at])
    const wrong = answer[index] as number
    const allowed = tolerance.atol + tolerance.rtol * Math.abs(right)
    if (!(Math.abs(wrong - right) <= allowed))
      return `computed ${wrong} where the result is ${right} (element ${at}; allowed ± ${allowed.toPrecision(2)})`
  }
  return undefined
}
