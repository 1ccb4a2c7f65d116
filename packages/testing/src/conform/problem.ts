import type { Device, OpInputs, OpOptions, Weight } from '@tessera-llm/tensor'
import { type HostValue, upload } from '../generate/index.ts'

/**
 * An input of a problem: host values, or a function that uploads them in a form that suits the device (packed weights).
 */
export type ProblemInput = HostValue | ((device: Device) => Weight)

/** One call that every device must answer alike: input values, and options. */
export interface OpProblem<I extends OpInputs = OpInputs, X extends OpOptions = OpOptions> {
  readonly name: string
  readonly inputs: { readonly [K in keyof I]: ProblemInput | Extract<I[K], undefined> }
  readonly options: X
}

/** The inputs as tensors of the device, owned by the caller. */
export function uploadInputs<I extends OpInputs>(device: Device, problem: OpProblem<I>): I {
  const inputs: Record<string, Weight | undefined> = {}
  for (const [name, input] of Object.entries<ProblemInput | undefined>(problem.inputs)) {
    inputs[name] = typeof input === 'function' ? input(device) : input && upload(device, input)
  }
  return inputs as I
}
