import { attentionWasm } from '@tessera-llm/attention/wasm'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { sizeOf, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import { operatorOf, probesOfOutput } from '../operator/index.ts'
import type { Description, Participant } from '../participant/index.ts'
import { measureOperator, type OperatorEngine } from '../participant/operator/index.ts'
import type { OpWorkload, Workload } from '../workload/index.ts'

/** Measures one op: the device time of its calls, recorded and replayed like a model's step. */
export function createOperatorParticipant(describe: (workload: Workload) => Description): Participant {
  let engine: OperatorEngine | undefined
  let workload: OpWorkload | undefined
  return {
    async prepare(asked) {
      if (asked.kind !== 'op') throw new TesseraError('invalid-option', `bench: an op is no ${asked.kind}`)
      workload = asked
      engine = await open(asked)
      return describe(asked)
    },
    async measure() {
      if (!engine || !workload) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
      return measureOperator(engine, workload)
    },
    async close() {
      await engine?.close()
    },
  }
}

async function open({ operator, size, repeats, threads }: OpWorkload): Promise<OperatorEngine> {
  const { op, options, inputs: inputsOf, output, chained } = operatorOf(operator)
  const device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm], threads })
  const inputs = Object.fromEntries(
    Object.entries(inputsOf(size)).map(([name, { data, shape, dtype }]): [string, Tensor] => [
      name,
      device.tensor(data(), shape, dtype),
    ]),
  )
  const call = (given: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> =>
    device.run(op, given, options)
  const plan = device.capture(() => {
    let given = inputs
    for (let repeat = 0; repeat < repeats; repeat++) {
      const before = given
      const outputs = call(given)
      const next = outputs[output]
      if (chained !== undefined && next) given = { ...inputs, [chained]: next }
      // As in a model, a result's memory is reused once it is no longer needed.
      for (const tensor of Object.values(outputs)) if (tensor !== next || chained === undefined) tensor.dispose()
      if (chained !== undefined && before !== inputs) before[chained]?.dispose()
    }
  })
  return {
    run: async () => plan.replay(),
    async answer() {
      const made = { ...inputs, ...call(inputs) }
      const result = made[output]
      if (!result) throw new TesseraError('invalid-option', `bench: ${operator} has no output ${output}`)
      const values = await device.read(result)
      for (const [name, tensor] of Object.entries(made)) if (!(name in inputs)) tensor.dispose()
      return probesOfOutput(sizeOf(result.shape)).map((at) => Number(values[at]))
    },
    close: () => device.dispose(),
  }
}
