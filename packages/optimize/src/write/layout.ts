import { TesseraError } from '@tessera-llm/tensor'
import type { Assignments } from '../apply/index.ts'
import { weightClass } from '../names/index.ts'
import { formatLabel, isFloat8 } from '../plan/format-bytes.ts'
import {
  type CodebookFormat,
  type IntegerFormat,
  type Layout,
  layouts,
  type QuantizeStep,
  type Recipe,
} from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import type { ModelWeights } from '../weights/index.ts'

/**
 * The layout of a folder: the requested one, or else GPTQ's, which most programs read, if it can hold the result;
 * compressed-tensors if not, for 8-bit weights, or for transformed inputs. Undefined if no weight becomes integers.
 *
 * @throws TesseraError `unsupported` for a weight that the layout cannot hold, with layouts that can
 */
export function chooseLayout(
  { weights, config: { downHadamard } }: Pick<Subject, 'weights' | 'config'>,
  assignments: Assignments,
  asked?: Layout,
): Layout | undefined {
  const integers = [...assignments].filter(([, { format }]) => typeof format !== 'string')
  for (const [name, { format }] of assignments) {
    if (typeof format === 'string' && format !== 'f16' && format !== 'f32')
      throw new TesseraError(
        'unsupported',
        `optimize: ${name} is to become ${format}, a ggml type, which only GGUF files hold; let OUT end in .gguf, or use integers in groups such as { bits: 4, group: 64 }`,
      )
  }
  if (integers.length === 0) return undefined
  if (downHadamard !== undefined && asked !== undefined && asked !== 'compressed-tensors')
    throw new TesseraError(
      'unsupported',
      `optimize: the layout ${asked} cannot state that the model transforms the inputs of down; use compressed-tensors, or rotate without down`,
    )
  const required = downHadamard === undefined ? asked : 'compressed-tensors'
  const problem = (layout: Layout): string | undefined => firstProblem(layout, weights, integers)
  if (required !== undefined) {
    const found = problem(required)
    if (found !== undefined)
      throw new TesseraError('unsupported', `optimize: the ${required} layout cannot hold this: ${found}`)
    return required
  }
  const wanted = integers.some(([, { format }]) => isIntegers(format) && format.bits === 8)
    ? (['compressed-tensors', 'gptq'] as const)
    : (['gptq', 'compressed-tensors'] as const)
  const fitting = wanted.find((layout) => problem(layout) === undefined)
  if (fitting) return fitting
  throw new TesseraError(
    'unsupported',
    `optimize: no layout of a folder can hold this: ${layouts.map((layout) => `${layout}: ${problem(layout)}`).join('; ')}`,
  )
}

function isIntegers(format: QuantizeStep['format']): format is IntegerFormat {
  return typeof format !== 'string' && 'bits' in format
}

function firstProblem(
  layout: Layout,
  weights: ModelWeights,
  assigned: readonly (readonly [string, QuantizeStep])[],
): string | undefined {
  const [first] = assigned
  for (const [name, step] of assigned) {
    const found = problemOf(layout, name, weights.get(name)?.shape ?? [], step)
    if (found !== undefined) return `${name}: ${found}`
    if (layout !== 'compressed-tensors' && first && JSON.stringify(step.format) !== JSON.stringify(first[1].format)) {
      return `${first[0]} is to become ${formatLabel(first[1].format)} and ${name} ${formatLabel(step.format)}, but it has one format for all layers; use compressed-tensors`
    }
  }
  return undefined
}

function problemOf(
  layout: Layout,
  name: string,
  [rows = 0, columns = 0]: readonly number[],
  { method, format, integerZeros = false }: QuantizeStep,
): string | undefined {
  if (isFloat8(format)) return float8Problem(layout, format.group)
  if (!isIntegers(format))
    return `it is to become ${formatLabel(format)}, and layouts of folders hold integers and 8-bit floats; use { bits, group }, or { codebook: 'fp8_e4m3', group: 'row' }`
  if (weightClass(name) === 'embedding' && layout !== 'compressed-tensors')
    return 'it holds no embeddings; use compressed-tensors'
  if (method === 'hqq' && !integerZeros)
    return 'hqq gives zeros between integers, which no layout holds; set integerZeros: true in the step'
  const { bits, group } = format
  if (layout === 'gptq') {
    if ((columns * bits) % 32 === 0 && (rows * bits) % 32 === 0) return undefined
    return `it packs both axes of ${rows} × ${columns} into whole words of 32 bits; use compressed-tensors`
  }
  const remainder = group === 'row' ? 0 : columns % group
  if (remainder !== 0 && (group as number) < columns)
    return `its groups of ${group} columns do not divide ${columns}; use a group that does, or the gptq layout, whose last group may be shorter`
  if (layout === 'compressed-tensors') return undefined
  if (bits !== 4) return `it holds 4 bits, not ${bits}; use gptq or compressed-tensors`
  return rows % 8 === 0
    ? undefined
    : `it packs eight outputs to a word, and ${rows} is not a multiple of 8; use compressed-tensors`
}

/** 8-bit floats need compressed-tensors' `float-quantized`, which vLLM reads with one scale a row or a tensor. */
function float8Problem(layout: Layout, group: CodebookFormat['group']): string | undefined {
  if (layout !== 'compressed-tensors') return 'it holds integers, not 8-bit floats; use compressed-tensors'
  return typeof group === 'number'
    ? `8-bit floats have one scale a row or a tensor there, not one of ${group} columns; set group to "row" or "tensor"`
    : undefined
}

/**
 * Refuses 8-bit floats beside inputs that are rounded to integers, a pair that no other program multiplies.
 *
 * @throws TesseraError `unsupported`
 */
export function refuseMixedTypes(assignments: Assignments, activations: Recipe['activations'] = 'f32'): void {
  if (activations === 'f32') return
  for (const [name, { format }] of assignments)
    if (isFloat8(format))
      throw new TesseraError(
        'unsupported',
        `optimize: ${name} is to become ${formatLabel(format)}, whose inputs a folder cannot have in integers; leave activations (${activations}) out, or use { bits: 8, group: 'row', symmetric: true }`,
      )
}
