import { hadamardBlock } from '@tessera-llm/kernels'
import {
  hadamardRotation,
  type Multiply,
  orthogonalRotation,
  planRotation,
  type RotationLayer,
  transformWeight,
} from '@tessera-llm/quantization'
import { turnedDownName } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import type { RotateStep } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import type { ModelWeight } from '../weights/index.ts'

/** Architectures whose norms stand before their sublayers and scale by their weight alone. */
const rotatable: readonly string[] = ['llama']

/**
 * The model with its residual stream (and, where the step says so, each head between value and output) turned by seeded matrices,
 * norms merged into the layers that read them (nothing but that with `identity`): another set of weights for the same function. A head that was the embedding becomes a
 * weight of its own. With `down` the model multiplies the inputs of `down` too, which its configuration says. Weights are turned when they are read.
 *
 * @throws TesseraError `unsupported` for a model that cannot be turned
 */
export function rotateSubject(
  subject: Subject,
  { matrix = 'orthogonal', heads = false, down = false }: RotateStep,
  seed: number,
  multiply: Multiply,
): Subject {
  const { config, weights } = subject
  if (subject.kind === 'encoder' || !rotatable.includes(config.architecture))
    throw new TesseraError(
      'unsupported',
      `recipe: a model of the architecture ${config.architecture} cannot be rotated; ${rotatable.join(', ')} can`,
    )
  if (down && config.downHadamard !== undefined)
    throw new TesseraError(
      'unsupported',
      `recipe: the inputs of down are turned already, by Hadamard matrices of the order ${config.downHadamard}; leave down out of rotate`,
    )
  const block = down ? hadamardBlock(config.intermediateSize) : undefined
  if (matrix === 'identity' && heads)
    throw new TesseraError(
      'invalid-option',
      'recipe: a step `rotate` with the matrix `identity` turns nothing, and its `heads` asks for turned heads; leave one of the two away',
    )
  const make = { hadamard: hadamardRotation, orthogonal: orthogonalRotation, identity: () => undefined }[matrix]
  const layers = Array.from({ length: config.numLayers }, (_, index): RotationLayer => {
    const name = (part: string): string => `layers.${index}.${part}`
    return {
      attentionNorm: name('attention_norm'),
      query: name('attention.query'),
      key: name('attention.key'),
      value: name('attention.value'),
      output: name('attention.output'),
      mlpNorm: name('mlp_norm'),
      mlpInputs: [name('mlp.gate'), name('mlp.up')],
      down: name('mlp.down'),
    }
  })
  for (const name of weights.keys()) {
    if (name.endsWith('.bias'))
      throw new TesseraError(
        'unsupported',
        `recipe: a model whose linear layers have a bias (${name}) cannot be rotated`,
      )
  }
  const model = { embedding: 'embedding', layers, norm: 'norm', head: 'head' }
  const plan = planRotation(model, {
    residual: make(config.hiddenSize, seed),
    heads: heads ? make(config.headDim, seed + 1) : undefined,
    down: block === undefined ? undefined : hadamardRotation(block),
  })
  const norms = new Set([...plan.values()].flatMap(({ norm }) => norm ?? []))
  const turned = new Map<string, ModelWeight>()
  const head = weights.get('head') ?? {
    ...find(subject, 'embedding'),
    name: 'head',
    storedName: subject.container === 'gguf' ? 'output.weight' : 'lm_head.weight',
  }
  for (const weight of [...weights.values(), ...(weights.has('head') ? [] : [head])]) {
    const planned = plan.get(weight.name)
    if (norms.has(weight.name))
      turned.set(weight.name, {
        ...weight,
        format: 'f32',
        read: async () => new Float32Array(weight.shape[0] ?? 0).fill(1),
      })
    else if (!planned) turned.set(weight.name, weight)
    else {
      const read: ModelWeight['read'] = async (signal) => {
        const inputScale = planned.norm === undefined ? undefined : await find(subject, planned.norm).read(signal)
        return transformWeight(
          { values: await weight.read(signal), shape: weight.shape as readonly [number, number] },
          { ...planned, inputScale },
          multiply,
        ).values
      }
      turned.set(weight.name, {
        ...weight,
        storedName:
          block !== undefined && subject.container === 'gguf' ? turnedDownName(weight.storedName) : weight.storedName,
        format: 'f32',
        read,
      })
    }
  }
  return {
    ...subject,
    config: { ...subject.config, tiedHead: false, ...(block === undefined ? {} : { downHadamard: block }) },
    weights: turned,
  }
}

function find({ weights }: Subject, name: string): ModelWeight {
  const found = weights.get(name)
  if (!found) throw new TesseraError('unsupported', `recipe: a model without the weight ${name} cannot be rotated`)
  return found
}
