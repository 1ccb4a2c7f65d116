import { bytesOf } from '@tessera-llm/tensor'
import { type OnnxNodeSpec, type OnnxSpec, operatorOf, type OperatorInput, probesOfOutput } from '../operator/index.ts'
import type { OperatorEngine } from '../participant/operator/measure.ts'
import type { OpWorkload } from '../workload/workload.ts'
import { encodeOnnxModel, type OnnxGraph, type OnnxNode, type OnnxTensor } from './encode.ts'
import type { OnnxRuntime } from './session.ts'

/**
 * An op repeated `repeats` times, as in the workload: chained through an input, or side by side. Anything that changes
 * from call to call is a graph input.
 */
export function operatorGraph(
  { operator, size }: OpWorkload,
  repeats: number,
): { readonly graph: OnnxGraph; readonly feeds: Readonly<Record<string, OperatorInput>> } {
  const { inputs: inputsOf, onnx, chained } = operatorOf(operator)
  if (!onnx) throw new Error(`bench: ONNX has no operator for ${operator}`)
  const spec = onnx(size)
  const inputs = Object.fromEntries(
    Object.entries(inputsOf(size)).map(([name, input]) => [
      name,
      { ...input, shape: spec.shapes?.[name] ?? input.shape },
    ]),
  )
  const fed = chained === undefined ? Object.keys(inputs).filter((name) => inputs[name]?.dtype === 'i32') : [chained]
  const nodes: OnnxNode[] = []
  let before = chained
  const results: string[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    const result = nodesOfCall(spec, (name) => (name === chained ? (before ?? name) : name), `r${repeat}`, nodes)
    results.push(result)
    if (chained !== undefined) before = result
  }
  const input = chained === undefined ? undefined : inputs[chained]
  return {
    graph: {
      nodes,
      initializers: [
        ...Object.entries(inputs)
          .filter(([name]) => !fed.includes(name))
          .map(([name, value]) => tensorOf(name, value)),
        ...constantsOf(spec),
      ],
      inputs: fed.map((name) => ({
        name,
        type: typeOf(inputs[name] as OperatorInput),
        shape: inputs[name]?.shape ?? [],
      })),
      // Calls side by side: use all results, so that none is optimized away.
      outputs: (chained === undefined ? results : results.slice(-1)).map((name) => ({
        name,
        type: operator === 'argmax' ? 'i64' : 'f32',
        ...(input ? { shape: input.shape } : {}),
      })),
    },
    feeds: Object.fromEntries(fed.map((name) => [name, inputs[name] as OperatorInput])),
  }
}

/** Adds a call's nodes and returns the name of its result. */
function nodesOfCall(
  { nodes: specs }: OnnxSpec,
  nameOf: (input: string) => string,
  stem: string,
  nodes: OnnxNode[],
): string {
  let result = ''
  for (const [index, spec] of specs.entries()) {
    const outputs = outputsOf(spec, `${stem}.${index}`)
    const chain = result
    nodes.push({
      operator: spec.operator,
      domain: spec.domain ?? '',
      inputs: spec.inputs.map((name) => (name === 'chain' ? chain : nameOf(name))),
      outputs,
      integers: spec.integers ?? {},
      floats: spec.floats ?? {},
    })
    result = outputs[0] as string
  }
  return result
}

const outputsOf = ({ outputs = 1 }: OnnxNodeSpec, stem: string): readonly string[] =>
  Array.from({ length: outputs }, (_, index) => (index === 0 ? stem : `${stem}.${index}`))
const typeOf = ({ dtype }: OperatorInput): 'f32' | 'i64' => (dtype === 'i32' ? 'i64' : 'f32')
/** ONNX counts in 64 bits. */
const dataOf = (input: OperatorInput): Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer> => {
  const data = input.data()
  return data instanceof Int32Array ? BigInt64Array.from(data, BigInt) : (data as Float32Array<ArrayBuffer>)
}
const tensorOf = (name: string, input: OperatorInput): OnnxTensor => ({
  name,
  type: typeOf(input),
  shape: input.shape,
  bytes: bytesOf(dataOf(input)),
})

function constantsOf({ constants = {} }: OnnxSpec): readonly OnnxTensor[] {
  return Object.entries(constants).map(([name, { type, shape, value }]) => ({
    name,
    type,
    shape,
    bytes: bytesOf(type === 'f32' ? Float32Array.of(value) : BigInt64Array.of(BigInt(value))),
  }))
}

export async function openOnnxOperator(
  { InferenceSession, Tensor }: OnnxRuntime,
  workload: OpWorkload,
  options: object,
): Promise<OperatorEngine> {
  const open = async (repeats: number) => {
    const { graph, feeds } = operatorGraph(workload, repeats)
    // Graph optimization would merge equal calls.
    const session = await InferenceSession.create(encodeOnnxModel(graph), {
      ...options,
      graphOptimizationLevel: 'disabled',
    })
    const given = Object.fromEntries(
      Object.entries(feeds).map(([name, input]) => [
        name,
        new Tensor(input.dtype === 'i32' ? 'int64' : 'float32', dataOf(input), input.shape),
      ]),
    )
    return { session, run: () => session.run(given), result: graph.outputs[0]?.name ?? '' }
  }
  const all = await open(workload.repeats)
  return {
    async run() {
      await all.run()
    },
    async answer() {
      const { session, run, result } = await open(1)
      const { data } = (await run())[result] as { readonly data: ArrayLike<number | bigint> }
      await session.release()
      return probesOfOutput(data.length).map((at) => Number(data[at]))
    },
    close: () => all.session.release(),
  }
}
