import { type GoldenCase, goldenInput, goldenOutput, readGolden } from '@tessera-llm/testing'
import { describe, expect, it } from 'vitest'
import { allCandidates, probabilities } from './candidates.ts'
import { acceptance, acceptDraft, draw, residual, type SamplerStep, samplerSteps } from './index.ts'
import { minP, repetitionPenalty, temperature, topK, topP, typicalP, usePenalty } from './steps.ts'

const cases = await readGolden(new URL('../../test/golden', import.meta.url), 'sampling')
const of = (op: string): readonly GoldenCase[] => cases.filter((golden) => golden.op === op)

const steps: Readonly<Record<string, (value: number) => SamplerStep>> = {
  temperature,
  top_k: topK,
  top_p: topP,
  min_p: minP,
  typical: typicalP,
  repetition: repetitionPenalty,
  frequency: (value) => usePenalty(value, 0),
  presence: (value) => usePenalty(0, value),
}
const optionNames: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_k: 'topK',
  top_p: 'topP',
  min_p: 'minP',
  typical: 'typicalP',
  repetition: 'repetitionPenalty',
  frequency: 'frequencyPenalty',
  presence: 'presencePenalty',
}

/** Probabilities of the whole vocabulary after the steps, 0 for dropped tokens, and the number of kept tokens. */
function run(pipeline: readonly SamplerStep[], logits: Float32Array, history: readonly number[]) {
  const candidates = pipeline.reduce((left, step) => step(left, history), allCandidates(logits))
  const probs = new Float64Array(logits.length)
  for (const [place, probability] of probabilities(candidates.logits).entries())
    probs[candidates.ids[place] as number] = probability
  return { probs, kept: candidates.ids.length }
}

function row(values: ArrayLike<number>, index: number, length: number): number[] {
  return Array.from({ length }, (_, at) => values[index * length + at] as number)
}

function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol, rtol }: { readonly atol: number; readonly rtol: number },
): void {
  expect(actual.length).toBe(expected.length)
  for (let at = 0; at < expected.length; at++) {
    const difference = Math.abs((actual[at] as number) - (expected[at] as number))
    if (!(difference <= atol + rtol * Math.abs(expected[at] as number)))
      expect.fail(`element ${at}: ${actual[at]}, expected ${expected[at]}`)
  }
}

describe('the steps of a sampler against transformers and PyTorch', () => {
  const sampling = of('sampling')
  it('has all cases', () => expect(sampling.length).toBe(19))

  it.each(sampling.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    const listed = golden.params['steps'] as [string, number][]
    const pipelines = [listed.map(([name, value]) => (steps[name] as (typeof steps)[string])(value))]
    // The same steps by options: pipeline_llama_cpp has that program's order, all others the default one.
    const options = Object.fromEntries(listed.map(([name, value]) => [optionNames[name], value]))
    pipelines.push([
      ...samplerSteps({ ...options, order: golden.name === 'pipeline_llama_cpp' ? 'llama.cpp' : 'transformers' }),
    ])
    const [batch, vocab] = goldenInput(golden, 'logits').shape as [number, number]
    const probs = goldenOutput(golden, 'probs')
    const kept = goldenOutput(golden, 'kept')
    for (let index = 0; index < batch; index++) {
      const logits = Float32Array.from(row(goldenInput(golden, 'logits').data as Float32Array, index, vocab))
      const history = row(goldenInput(golden, 'history').data as Int32Array, index, 12)
      for (const pipeline of pipelines) {
        const result = run(pipeline, logits, history)
        expect(result.kept).toBe(Number(kept.data[index]))
        expectClose(result.probs, row(probs.data as Float32Array, index, vocab), probs.tolerance)
      }
    }
  })

  it('the two orders differ where both have something to say', () => {
    const golden = sampling.find(({ name }) => name === 'pipeline_llama_cpp') as GoldenCase
    const options = Object.fromEntries(
      (golden.params['steps'] as [string, number][]).map(([name, value]) => [optionNames[name], value]),
    )
    const logits = Float32Array.from(row(goldenInput(golden, 'logits').data as Float32Array, 0, 256))
    const history = row(goldenInput(golden, 'history').data as Int32Array, 0, 12)
    expect(run(samplerSteps({ ...options, order: 'transformers' }), logits, history).probs).not.toEqual(
      run(samplerSteps({ ...options, order: 'llama.cpp' }), logits, history).probs,
    )
  })
})

it('draws by the inverse of the cumulative distribution', () => {
  const golden = cases.find(({ name }) => name === 'inverse_cdf') as GoldenCase
  const probs = goldenInput(golden, 'probs').data as Float32Array
  const uniforms = goldenInput(golden, 'u').data as Float32Array
  expect(Array.from(uniforms, (uniform) => draw(probs, uniform))).toEqual(
    Array.from(goldenOutput(golden, 'tokens').data as Int32Array),
  )
})

describe('speculative sampling against its definition', () => {
  const speculative = of('speculative')
  it('has all cases', () => expect(speculative.length).toBe(4))

  it.each(speculative.map((golden) => [golden.name, golden] as const))('%s', (_, golden) => {
    const { gamma, vocab } = golden.params as { readonly gamma: number; readonly vocab: number }
    const rows = (name: string, count: number) =>
      Array.from({ length: count }, (_, index) => row(goldenInput(golden, name).data as Float32Array, index, vocab))
    const target = rows('p', gamma + 1)
    const proposal = rows('q', gamma)
    const draft = Array.from(goldenInput(golden, 'draft').data as Int32Array)
    const acceptances = draft.map((token, index) =>
      acceptance(target[index] as number[], proposal[index] as number[], token),
    )
    expectClose(
      acceptances,
      goldenOutput(golden, 'accept_prob').data as Float32Array,
      goldenOutput(golden, 'accept_prob').tolerance,
    )
    const rest = goldenOutput(golden, 'residual')
    for (const [index, p] of target.slice(0, gamma).entries())
      expectClose(
        residual(p, proposal[index] as number[]),
        row(rest.data as Float32Array, index, vocab),
        rest.tolerance,
      )

    const accepts = Array.from(goldenInput(golden, 'u_accept').data as Float32Array)
    const accepted = Number(goldenOutput(golden, 'n_accepted').data[0])
    const uniforms = [
      ...accepts.slice(0, Math.min(gamma, accepted + 1)),
      Number(goldenInput(golden, 'u_resample').data[0]),
    ]
    const output = acceptDraft({ target, proposal, draft, uniform: () => uniforms.shift() as number })
    expect(output).toHaveLength(accepted + 1)
    expect(output).toEqual(Array.from(goldenOutput(golden, 'output').data as Int32Array).filter((token) => token >= 0))
  })
})
