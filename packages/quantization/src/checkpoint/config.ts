import type { Activations } from '@tessera-llm/kernels'
import { TesseraError } from '@tessera-llm/tensor'
import type { Grid, IntegerGrid } from '../quantized-matrix/index.ts'
import type { CompressedScheme } from './read-compressed.ts'
import type { CompressedFormat } from './write-compressed.ts'
import type { GptqLayout } from './gptq.ts'
import { configGroup } from './matrix.ts'

/** Contents of `quantization_config` in a `config.json`. */
export type QuantizationConfig =
  | ({ readonly layout: 'gptq' } & GptqLayout)
  | { readonly layout: 'awq'; readonly groupSize: number }
  | { readonly layout: 'compressed-tensors'; readonly schemes: readonly TargetedScheme[] }

/** A scheme and the layers that it is for: names, `re:` patterns, or a class of layers such as `Linear`. */
export interface TargetedScheme extends CompressedScheme {
  readonly targets: readonly string[]
}

/**
 * Reads `quantization_config`.
 *
 * @throws TesseraError `invalid-file` naming the field, `unsupported` for methods and formats that are not read
 */
export function readQuantizationConfig(config: unknown): QuantizationConfig {
  const fields = record(config, 'quantization_config')
  const method = fields['quant_method']
  if (method === 'gptq') {
    const bits = number(fields, 'bits')
    if (bits !== 2 && bits !== 3 && bits !== 4 && bits !== 8)
      throw unsupported(`GPTQ with ${bits} bits; 2, 3, 4 and 8 are read`)
    const version = fields['checkpoint_format'] ?? 'gptq'
    if (version !== 'gptq' && version !== 'gptq_v2')
      throw unsupported(`the GPTQ checkpoint format ${quote(version)}; gptq and gptq_v2 are read`)
    return { layout: 'gptq', bits, groupSize: number(fields, 'group_size'), version: version === 'gptq' ? 1 : 2 }
  }
  if (method === 'awq') {
    const bits = number(fields, fields['bits'] === undefined ? 'w_bit' : 'bits')
    const version = String(fields['version'] ?? 'gemm').toLowerCase()
    if (bits !== 4 || version !== 'gemm')
      throw unsupported(`AWQ with ${bits} bits in the version ${quote(version)}; 4 bits in the version gemm are read`)
    return {
      layout: 'awq',
      groupSize: number(fields, fields['group_size'] === undefined ? 'q_group_size' : 'group_size'),
    }
  }
  if (method === 'compressed-tensors') {
    const groups = Object.entries(record(fields['config_groups'], 'quantization_config.config_groups'))
    return {
      layout: 'compressed-tensors',
      schemes: groups.map(([name, group]) =>
        readScheme(record(group, `config_groups.${name}`), name, fields['format']),
      ),
    }
  }
  throw unsupported(`the quantization method ${quote(method)}; gptq, awq and compressed-tensors are read`)
}

/** The scheme of a layer by its name; a class of layers fits all that nothing else names. */
export function schemeOf(layer: string, schemes: readonly TargetedScheme[]): CompressedScheme {
  const fits = (target: string): boolean =>
    target.startsWith('re:') ? pattern(target.slice(3)).test(layer) : target === layer
  const scheme =
    schemes.find(({ targets }) => targets.some(fits)) ??
    schemes.find(({ targets }) => targets.some((target) => !target.startsWith('re:') && !target.includes('.')))
  if (!scheme)
    throw new TesseraError(
      'invalid-file',
      `quantization_config: no entry of config_groups is for ${layer}, which is stored quantized`,
    )
  return scheme
}

/** The `quantization_config` of matrices on one grid in the GPTQ layout. */
export function gptqConfig(
  grid: IntegerGrid,
  version: 1 | 2,
  { hasColumnGroups = false }: { readonly hasColumnGroups?: boolean } = {},
): Readonly<Record<string, unknown>> {
  return {
    quant_method: 'gptq',
    bits: grid.bits,
    group_size: configGroup(grid),
    sym: grid.isSymmetric,
    desc_act: hasColumnGroups,
    checkpoint_format: version === 1 ? 'gptq' : 'gptq_v2',
    lm_head: false,
  }
}

/** The `quantization_config` of matrices on one grid in AWQ's layout. */
export function awqConfig(grid: IntegerGrid): Readonly<Record<string, unknown>> {
  return {
    quant_method: 'awq',
    bits: grid.bits,
    group_size: configGroup(grid),
    zero_point: true,
    version: 'gemm',
    modules_to_not_convert: null,
  }
}

/** Options of `compressedTensorsConfig`. */
export interface CompressedConfigOptions {
  /** The linear layers that stay as they were. Default the head. */
  readonly ignore?: readonly string[] | undefined
  readonly hasColumnGroups?: boolean | undefined
  /** Says how inputs are to be rounded when the model runs. Default: not at all. */
  readonly activations?: CompressedActivations | undefined
}

/**
 * Activations of `linear` that these configurations have a name for: one scale a token, found as the token comes, or
 * one for all, stored as `input_scale`.
 */
export type CompressedActivations = Extract<Activations, 'int8-token' | 'int8-static' | 'int4-token'>

function inputActivations(activations: CompressedActivations | undefined): Readonly<Record<string, unknown>> | null {
  if (activations === undefined) return null
  const isStatic = activations === 'int8-static'
  return {
    num_bits: activations === 'int4-token' ? 4 : 8,
    type: 'int',
    symmetric: true,
    strategy: isStatic ? 'tensor' : 'token',
    dynamic: !isStatic,
    group_size: null,
    actorder: null,
    observer: isStatic ? 'minmax' : null,
    observer_kwargs: {},
    block_structure: null,
  }
}

/** The `quantization_config` of matrices on one grid in a layout of compressed-tensors. */
export function compressedTensorsConfig(
  grid: Grid,
  format: CompressedFormat,
  { ignore = ['lm_head'], hasColumnGroups = false, activations }: CompressedConfigOptions = {},
): Readonly<Record<string, unknown>> {
  const strategy = grid.group === 'tensor' ? 'tensor' : grid.group === 'row' ? 'channel' : 'group'
  const weights = {
    num_bits: grid.kind === 'integer' ? grid.bits : 8,
    type: grid.kind === 'integer' ? 'int' : 'float',
    symmetric: grid.kind !== 'integer' || grid.isSymmetric,
    strategy,
    group_size: strategy === 'group' ? grid.group : null,
    actorder: hasColumnGroups ? 'group' : null,
    dynamic: false,
    observer: 'minmax',
    observer_kwargs: {},
    block_structure: null,
  }
  return {
    quant_method: 'compressed-tensors',
    format,
    quantization_status: 'compressed',
    kv_cache_scheme: null,
    global_compression_ratio: null,
    ignore,
    config_groups: {
      group_0: {
        targets: ['Linear'],
        weights,
        input_activations: inputActivations(activations),
        output_activations: null,
      },
    },
  }
}

const readFormats: readonly unknown[] = [
  'pack-quantized',
  'int-quantized',
  'float-quantized',
  'naive-quantized',
  'dense',
]

function readScheme(group: Readonly<Record<string, unknown>>, name: string, overall: unknown): TargetedScheme {
  const format = group['format'] ?? overall
  if (format !== undefined && format !== null && !readFormats.includes(format))
    throw unsupported(`the compressed-tensors format ${quote(format)}; ${readFormats.join(', ')} are read`)
  const weights = record(group['weights'], `config_groups.${name}.weights`)
  const bits = number(weights, 'num_bits')
  const type = weights['type'] ?? 'int'
  if (type !== 'int' && type !== 'float')
    throw unsupported(`compressed-tensors weights of the type ${quote(type)}; int and float are read`)
  if (type === 'float' && bits !== 8) throw unsupported(`compressed-tensors floats of ${bits} bits; 8 are read`)
  const targets = group['targets']
  if (!Array.isArray(targets) || !targets.every((target) => typeof target === 'string'))
    throw invalid(`config_groups.${name}.targets`, 'must be a list of names')
  const block = weights['block_structure']
  const sides = Array.isArray(block) ? block : typeof block === 'string' ? block.split('x').map(Number) : undefined
  if (
    weights['strategy'] === 'block' &&
    !(sides?.length === 2 && sides.every((side) => Number.isInteger(side) && side > 0))
  )
    throw invalid(
      `config_groups.${name}.weights.block_structure`,
      'must be two sides, such as [128, 128], where the strategy is block',
    )
  return {
    targets,
    bits,
    type,
    groupSize: weights['strategy'] === 'group' ? number(weights, 'group_size') : undefined,
    block: weights['strategy'] === 'block' ? (sides as [number, number]) : undefined,
    hasStaticInputs: hasStaticInputs(group['input_activations']),
  }
}

/**
 * Whether inputs are rounded with stored scales, the only way of rounding inputs that has them. Scales of other kinds,
 * such as e4m3, are for other codes.
 */
function hasStaticInputs(inputs: unknown): boolean {
  const {
    num_bits: bits,
    type = 'int',
    symmetric = true,
    strategy = 'tensor',
    dynamic = false,
  } = (inputs ?? {}) as Readonly<Record<string, unknown>>
  return bits === 8 && type === 'int' && symmetric === true && strategy === 'tensor' && dynamic === false
}

/** Patterns come from the file; one that is no regular expression of JavaScript is refused by name. */
function pattern(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})`)
  } catch (cause) {
    throw new TesseraError(
      'invalid-file',
      `quantization_config: the target ${quote(`re:${source}`)} is not a regular expression`,
      { cause },
    )
  }
}

function record(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>
  throw invalid(field, `must be an object, but is ${quote(value)}`)
}

function number(fields: Readonly<Record<string, unknown>>, field: string): number {
  const value = fields[field]
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw invalid(field, `must be an integer, but is ${quote(value)}`)
}

function invalid(field: string, problem: string): TesseraError {
  return new TesseraError('invalid-file', `quantization_config: ${field} ${problem}`, { details: { field } })
}

function unsupported(what: string): TesseraError {
  return new TesseraError('unsupported', `quantization_config: ${what}`)
}

function quote(value: unknown): string {
  return value === undefined ? 'missing' : (JSON.stringify(value)?.slice(0, 60) ?? String(value))
}
