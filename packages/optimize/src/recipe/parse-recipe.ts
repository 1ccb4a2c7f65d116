import { linearActivations } from '@tessera-llm/kernels'
import { didYouMean, TesseraError } from '@tessera-llm/tensor'
import * as v from 'valibot'
import { parseByteSize } from './byte-size.ts'
import { cacheFormats, codebooks, ggmlFormats, layouts, mixes, type Recipe } from './recipe.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(1))
const group = v.union([v.literal('row'), v.pipe(v.number(), v.integer(), v.minValue(8))])
const integerFormat = v.strictObject({ bits: v.picklist([2, 3, 4, 8]), group, symmetric: v.optional(v.boolean()) })
const codebookFormat = v.strictObject({
  codebook: v.picklist(Object.keys(codebooks) as (keyof typeof codebooks)[]),
  group: v.union([v.literal('tensor'), ...group.options]),
})
const format = v.union([v.picklist(ggmlFormats), integerFormat, codebookFormat])
const targets = v.union([v.string(), v.pipe(v.array(v.string()), v.minLength(1))])
const method = v.picklist(['rtn', 'hqq', 'gptq'])

const steps = {
  'convert-heads': v.strictObject({
    kind: v.literal('convert-heads'),
    numKvHeads: count,
    method: v.picklist(['mean', 'first', 'activation', 'principal']),
  }),
  rotate: v.strictObject({
    kind: v.literal('rotate'),
    matrix: v.optional(v.picklist(['orthogonal', 'hadamard', 'identity'])),
    heads: v.optional(v.boolean()),
    down: v.optional(v.boolean()),
  }),
  awq: v.strictObject({ kind: v.literal('awq'), targets: v.optional(targets) }),
  smooth: v.strictObject({
    kind: v.literal('smooth'),
    targets: v.optional(targets),
    alpha: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  }),
  quantize: v.strictObject({
    kind: v.literal('quantize'),
    targets: v.optional(targets),
    method,
    format,
    importance: v.optional(v.boolean()),
    actOrder: v.optional(v.boolean()),
    clip: v.optional(v.boolean()),
    correct: v.optional(v.boolean()),
    damping: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
    passes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
    integerZeros: v.optional(v.boolean()),
    compensateBias: v.optional(v.boolean()),
  }),
  mix: v.strictObject({
    kind: v.literal('mix'),
    mix: v.picklist(mixes),
    targets: v.optional(targets),
    method: v.optional(v.picklist(['rtn', 'gptq'])),
    importance: v.optional(v.boolean()),
    correct: v.optional(v.boolean()),
  }),
  budget: v.strictObject({
    kind: v.literal('budget'),
    size: v.union([v.string(), count]),
    targets: v.optional(targets),
    formats: v.optional(v.pipe(v.array(format), v.minLength(1))),
    method: v.optional(v.picklist(['gptq', 'rtn'])),
    correct: v.optional(v.boolean()),
  }),
}
const kinds = Object.keys(steps) as (keyof typeof steps)[]

const head = v.strictObject({
  name: v.optional(v.string()),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  calibration: v.optional(
    v.strictObject({ windows: v.optional(count), window: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2))) }),
  ),
  activations: v.optional(v.picklist(linearActivations)),
  cache: v.optional(
    v.strictObject({
      format: v.picklist(cacheFormats),
      exactTokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
    }),
  ),
  layout: v.optional(v.picklist(layouts)),
  steps: v.array(v.looseObject({ kind: v.picklist(kinds) })),
})

/**
 * Validates a parsed recipe file.
 *
 * @throws TesseraError `invalid-option` with the place, the value, and for an unknown key the nearest known one
 */
export function parseRecipe(value: unknown): Recipe {
  const recipe = check(head, value, 'recipe')
  if (recipe.steps.length === 0 && !recipe.cache && !recipe.activations)
    throw new TesseraError(
      'invalid-option',
      'recipe: steps is empty; a recipe has a step, or says by cache how keys and values are kept, or by activations how inputs of layers are rounded',
    )
  const parsed = recipe.steps.map((step, index) =>
    check(steps[step.kind] as v.GenericSchema<Recipe['steps'][number]>, step, `recipe: steps[${index}] (${step.kind})`),
  )
  const merging = parsed.findIndex(({ kind }, index) => kind === 'convert-heads' && index > 0)
  if (merging >= 0)
    throw new TesseraError(
      'invalid-option',
      `recipe: steps[${merging}] (convert-heads) must be the first step; all others see the model with fewer heads`,
    )
  for (const step of parsed) if (step.kind === 'budget') parseByteSize(step.size)
  if (parsed.filter(({ kind }) => kind === 'budget').length > 1)
    throw new TesseraError(
      'invalid-option',
      'recipe: a file has one size, so a recipe has one budget step at most; leave the others out',
    )
  return { ...recipe, steps: parsed }
}

/**
 * Parses and validates the text of a recipe file.
 *
 * @throws TesseraError `invalid-option`
 */
export function parseRecipeJson(text: string): Recipe {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new TesseraError('invalid-option', `recipe: not JSON (${(error as Error).message})`, { cause: error })
  }
  return parseRecipe(value)
}

function check<T>(schema: v.GenericSchema<unknown, T>, value: unknown, where: string): T {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw new TesseraError(
    'invalid-option',
    `${where}: ${describe(result.issues.find(isUnknownKey) ?? result.issues[0], schema)}`,
  )
}

function isUnknownKey(issue: v.BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never'
}

function describe(issue: v.BaseIssue<unknown>, schema: unknown): string {
  const path = v.getDotPath(issue) ?? ''
  const last = issue.path?.at(-1)
  if (isUnknownKey(issue)) {
    const known = keysAt(schema, issue.path?.slice(0, -1) ?? [])
    const key = String(last?.key)
    return `the key ${JSON.stringify(path || key)} is not known${known.length > 0 ? `${didYouMean(key, known)} Known are ${known.join(', ')}` : ''}`
  }
  if (issue.type === 'strict_object' && issue.received === 'undefined')
    return `the key ${JSON.stringify(path)} is missing`
  const value = JSON.stringify(issue.input) ?? 'nothing'
  const expected = issue.expected ?? issue.message
  const names = Array.from(expected.matchAll(/"([^"]+)"/g), ([, name = '']) => name)
  const nearest = typeof issue.input === 'string' && names.length > 0 ? didYouMean(issue.input, names) : ''
  return `${path || 'it'} is ${value}, but must be ${expected}${nearest}`
}

/** Keys of the object at the end of the path. */
function keysAt(schema: unknown, path: readonly { readonly key?: unknown }[]): string[] {
  let at = schema as { readonly entries?: Record<string, unknown>; readonly wrapped?: unknown } | undefined
  for (const { key } of path) {
    at = at?.entries?.[String(key)] as typeof at
    while (at?.wrapped) at = at.wrapped as typeof at
  }
  return Object.keys(at?.entries ?? {})
}
