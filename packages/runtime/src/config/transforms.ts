import type { GgufValue } from '@tessera-llm/formats'
import { isPowerOfTwo, largestHadamard } from '@tessera-llm/kernels'
import { TesseraError } from '@tessera-llm/tensor'
import type { TransformerConfig } from './config.ts'
import { type Fields, readFields } from './fields.ts'

/*
 * Transforms of activations at run time, as stated in a model's file, whose weights contain the inverse. Only
 * `TransformerConfig.downHadamard` is supported. Any other transform is an error, because a model without it would
 * generate nonsense.
 */

type Sizes = Pick<TransformerConfig, 'numLayers' | 'intermediateSize'>

const ggufPrefix = 'tessera.transform.'
const ggufKey = `${ggufPrefix}mlp_down_input.hadamard`

/**
 * The metadata key of a GGUF file. The `down` weights of such a file also have other names (`transformedDownName`), so
 * that programs without the transform refuse it.
 */
export function ggufTransform(block: number): readonly [string, GgufValue] {
  return [ggufKey, { type: 'u32', value: block }]
}

/**
 * Order of the transform of `down`, or undefined.
 *
 * @throws TesseraError `unsupported` for another transform, `invalid-file` for an order that does not divide the inputs
 */
export function transformFromGguf(metadata: Fields, { intermediateSize }: Sizes): number | undefined {
  const other = Object.keys(metadata).find((key) => key.startsWith(ggufPrefix) && key !== ggufKey)
  if (other !== undefined)
    throw new TesseraError(
      'unsupported',
      `GGUF metadata: ${other} asks for a transform of activations that this runtime does not know; a newer version may`,
      { details: { field: other } },
    )
  const fields = readFields(metadata, 'GGUF metadata')
  return fields.has(ggufKey)
    ? checkBlock(fields.integer(ggufKey), intermediateSize, `GGUF metadata: ${ggufKey}`)
    : undefined
}

const downTarget = 're:.*\\.mlp\\.down_proj$'

/**
 * `transform_config` of a `quantization_config`, as compressed-tensors writes it: the runtime transforms inputs, and
 * the stored weights contain the inverse.
 */
export function compressedTransform(block: number, columns: number): Fields {
  const at = (location: string, inverse: boolean): Fields => ({ targets: [downTarget], location, inverse, ignore: [] })
  const scheme = {
    type: 'hadamard',
    apply: [at('input', false), at('weight_input', true)],
    randomize: false,
    requires_grad: false,
    ...(block === columns ? {} : { head_dim: block }),
  }
  return { config_groups: { mlp_down_input: scheme } }
}

/**
 * Reads `quantization_config.transform_config` of a `config.json`. Transforms of weights only are part of the stored
 * weights and need no support.
 *
 * @throws TesseraError `unsupported` for a transform of activations other than the Hadamard transform of all inputs of
 *   `down_proj`, `invalid-file`
 */
export function transformFromHuggingFace(config: Fields, sizes: Sizes): number | undefined {
  const transforms = readFields(
    readFields(config, 'config.json').record('quantization_config') ?? {},
    'quantization_config',
  ).record('transform_config')
  if (!transforms) return undefined
  const groups = Object.entries(readFields(transforms, 'transform_config').record('config_groups') ?? {})
  const found = groups
    .map(([name, scheme]) => transformOf(`transform_config.config_groups.${name}`, asFields(scheme, name), sizes))
    .filter((block) => block !== undefined)
  if (found.length > 1)
    throw unsupported('transform_config', `transforms the inputs of down_proj ${found.length} times`)
  return found[0]
}

function transformOf(where: string, scheme: Fields, sizes: Sizes): number | undefined {
  const fields = readFields(scheme, where)
  const online = (fields.list('apply') ?? [])
    .map((each) => asFields(each, 'apply'))
    .filter(({ location }) => location !== 'weight_input' && location !== 'weight_output')
  if (online.length === 0) return undefined
  const type = fields.string('type')
  if (type !== 'hadamard' || fields.boolean('randomize', false))
    throw unsupported(where, `is ${type === 'hadamard' ? 'randomized' : `of the type ${JSON.stringify(type)}`}`)
  const [at = {}] = online
  if (online.length > 1 || at['location'] !== 'input')
    throw unsupported(where, `transforms ${online.map(({ location }) => JSON.stringify(location)).join(' and ')}`)
  const targets = namesIn(at['targets'], where)
  const ignored = namesIn(at['ignore'] ?? [], where)
  const matched = layerNames(sizes.numLayers).filter(
    (name) =>
      targets.some((target) => fits(target, name, where)) && !ignored.some((target) => fits(target, name, where)),
  )
  if (matched.length !== sizes.numLayers || !matched.every((name) => name.endsWith('.mlp.down_proj')))
    throw unsupported(where, `is for the inputs of ${JSON.stringify(targets).slice(0, 80)}`)
  return checkBlock(fields.integer('head_dim', sizes.intermediateSize), sizes.intermediateSize, `${where}.head_dim`)
}

/** Refuses a transform for an encoder: no recipe rotates encoders, so their layers do not support it. */
export function refuseTransform(block: number | undefined): void {
  if (block !== undefined)
    throw new TesseraError(
      'unsupported',
      'load: the file asks for Hadamard matrices before down, which decoders have alone; this is an encoder',
    )
}

function checkBlock(block: number, columns: number, where: string): number {
  if (block > 0 && columns % block !== 0)
    throw new TesseraError('invalid-file', `${where} must divide the ${columns} inputs of down, but is ${block}`)
  if (isPowerOfTwo(block) && block <= largestHadamard) return block
  throw new TesseraError(
    'unsupported',
    `${where} is a Hadamard matrix of the order ${block}; powers of two up to ${largestHadamard} are known`,
  )
}

/**
 * Names of the linear layers of a llama, the only architecture in files with such transforms; targets that match no
 * name here match none of another architecture either.
 */
function layerNames(numLayers: number): readonly string[] {
  const parts = [
    'self_attn.q_proj',
    'self_attn.k_proj',
    'self_attn.v_proj',
    'self_attn.o_proj',
    'mlp.gate_proj',
    'mlp.up_proj',
    'mlp.down_proj',
  ]
  return [
    ...Array.from({ length: numLayers }, (_, layer) => parts.map((part) => `model.layers.${layer}.${part}`)).flat(),
    'lm_head',
  ]
}

function fits(target: string, name: string, where: string): boolean {
  if (!target.startsWith('re:')) return target === name || target === 'Linear'
  try {
    return new RegExp(`^(?:${target.slice(3)})`).test(name)
  } catch (cause) {
    throw new TesseraError(
      'invalid-file',
      `${where}: the target ${JSON.stringify(target)} is not a regular expression`,
      { cause },
    )
  }
}

function namesIn(value: unknown, where: string): readonly string[] {
  const names = typeof value === 'string' ? [value] : value
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names
  throw new TesseraError(
    'invalid-file',
    `${where}: targets and ignore must be lists of names, but are ${JSON.stringify(value)?.slice(0, 60)}`,
  )
}

function asFields(value: unknown, name: string): Fields {
  return readFields({ [name]: value }, 'transform_config').record(name) ?? {}
}

function unsupported(where: string, what: string): TesseraError {
  return new TesseraError(
    'unsupported',
    `${where} ${what}; this runtime knows the type hadamard for the inputs of all mlp.down_proj, and nothing else that is done to activations`,
  )
}
