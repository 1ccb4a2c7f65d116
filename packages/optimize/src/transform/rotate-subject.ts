import { hadamardBlock } from '@tessera-llm/kernels'
import {
  hadamardRotation,
  type Multiply,
  orthogonalRotation,
  planRotation,
  type RotationLayer,
  transformWeight,
} from '@tessera-llm/quantization'
import { transformedDownName } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import type { RotateStep } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import type { ModelWeight } from '../weights/index.ts'

/** Architectures whose norms come before the blocks and scale by their weight only. */
const rotatable: readonly string[] = ['llama']

/**
 * Rotates the residual stream of a model (and, if the step says so, each head between value and output) by seeded
 * matrices, and merges norms into the layers that read them (with `identity`, only that): other weights for the same
 * function. A tied head becomes a separate weight. With `down`, the model also multiplies the inputs of `down` at run
 * time, which its configuration states. Weights are rotated when they are read.
 *
 * @throws TesseraError `unsupported` for a model that cannot be rotated
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
      `recipe: the inputs of down are transformed already, by Hadamard matrices of the order ${config.downHadamard}; leave down out of rotate`,
    )
  const block = down ? hadamardBlock(config.intermediateSize) : undefined
  if (matrix === 'identity' && heads)
    throw new TesseraError(
      'invalid-option',
      'recipe: a step `rotate` with the matrix `identity` rotates nothing, but its `heads` asks for rotated heads; leave one of the two out',
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
  const rotated = new Map<string, ModelWeight>()
  const head = weights.get('head') ?? {
    ...find(subject, 'embedding'),
    name: 'head',
    storedName: subject.container === 'gguf' ? 'output.weight' : 'lm_head.weight',
  }
  for (const weight of [...weights.values(), ...(weights.has('head') ? [] : [head])]) {
    const planned = plan.get(weight.name)
    if (norms.has(weight.name))
      rotated.set(weight.name, {
        ...weight,
        format: 'f32',
        read: async () => new Float32Array(weight.shape[0] ?? 0).fill(1),
      })
    else if (!planned) rotated.set(weight.name, weight)
    else {
      const read: ModelWeight['read'] = async (signal) => {
        const inputScale = planned.norm === undefined ? undefined : await find(subject, planned.norm).read(signal)
        return transformWeight(
          { values: await weight.read(signal), shape: weight.shape as readonly [number, number] },
          { ...planned, inputScale },
          multiply,
        ).values
      }
      rotated.set(weight.name, {
        ...weight,
        storedName:
          block !== undefined && subject.container === 'gguf'
            ? transformedDownName(weight.storedName)
            : weight.storedName,
        format: 'f32',
        read,
      })
    }
  }
  return {
    ...subject,
    config: { ...subject.config, tiedHead: false, ...(block === undefined ? {} : { downHadamard: block }) },
    weights: rotated,
  }
}

function find({ weights }: Subject, name: string): ModelWeight {
  const found = weights.get(name)
  if (!found) throw new TesseraError('unsupported', `recipe: a model without the weight ${name} cannot be rotated`)
  return found
}
