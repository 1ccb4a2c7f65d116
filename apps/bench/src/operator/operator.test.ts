import { describe, expect, it } from 'vitest'
import { encodeOnnxModel } from '../onnx/encode.ts'
import { operatorGraph } from '../onnx/operator-graph.ts'
import { type OpWorkload, opWorkloads } from '../workload/index.ts'
import { operators, probesOfOutput, problemOfOperator } from './index.ts'

const workloads = opWorkloads().filter(({ threads }) => threads === 1)
const smallest = (name: string): OpWorkload => workloads.find(({ operator }) => operator === name) as OpWorkload

describe('the table', () => {
  it('gives ids of their own, two sizes of each op, and bytes from the contracts', () => {
    expect(new Set(workloads.map(({ id }) => id)).size).toBe(workloads.length)
    expect(workloads).toHaveLength(2 * operators.length)
    expect(smallest('rms-norm').bytes).toBe(4 * 3 * 576)
    expect(smallest('add').bytes).toBe(4 * 3 * 576)
    expect(smallest('kv-append f16').bytes).toBe((4 + 2) * 3 * 64)
  })
})

describe('an answer', () => {
  it('is compared with the definition', async () => {
    const w: OpWorkload = { ...smallest('scale'), size: [1, 8] }
    const right = probesOfOutput(8).map(
      (at) =>
        -(operators
          .find(({ name }) => name === 'scale')
          ?.inputs([1, 8])
          ['x']?.data()[at] as number),
    )
    expect(await problemOfOperator(w, right)).toBeUndefined()
    expect(await problemOfOperator(w, right.with(2, 0))).toContain('computed 0 where the result is')
    expect(await problemOfOperator(w, right.slice(1))).toContain('gave 5 elements')
    expect(await problemOfOperator(w, undefined)).toContain('gave no elements')
  })
})

describe('the ONNX graph', () => {
  // The table of an embedding takes a second to make.
  it.each(operators.filter(({ onnx, name }) => onnx && !name.startsWith('embedding')).map(({ name }) => name))(
    'of %s has every input of a node before it',
    (name) => {
      const { graph, feeds } = operatorGraph(smallest(name), 3)
      expect(graph.inputs.map((input) => input.name)).toEqual(Object.keys(feeds))
      const known = new Set([...graph.inputs, ...graph.initializers].map((value) => value.name))
      for (const { inputs, outputs } of graph.nodes) {
        for (const input of inputs) expect(known.has(input), input).toBe(true)
        for (const output of outputs) known.add(output)
      }
      for (const output of graph.outputs) expect(known.has(output.name)).toBe(true)
      expect(graph.nodes.length % 3).toBe(0)
      expect(encodeOnnxModel(graph).length).toBeGreaterThan(100)
    },
  )

  it('chains calls by their input, and keeps all results of calls side by side', () => {
    const { graph } = operatorGraph(smallest('gated-activation silu'), 2)
    expect(graph.nodes.map(({ operator, inputs, outputs }) => [operator, inputs, outputs])).toEqual([
      ['QuickGelu', ['gate'], ['r0.0']],
      ['Mul', ['r0.0', 'up'], ['r0.1']],
      ['QuickGelu', ['r0.1'], ['r1.0']],
      ['Mul', ['r1.0', 'up'], ['r1.1']],
    ])
    expect(graph.outputs.map(({ name }) => name)).toEqual(['r1.1'])
    expect(operatorGraph(smallest('argmax'), 3).graph.outputs.map(({ name, type }) => [name, type])).toEqual([
      ['r0.0', 'i64'],
      ['r1.0', 'i64'],
      ['r2.0', 'i64'],
    ])
  })
})
