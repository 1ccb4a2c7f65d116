import {
  ggmlFormats,
  mixes,
  namedRecipe,
  parseRecipe,
  parseRecipeJson,
  type Recipe,
  type WeightFormat,
} from '@tessera-llm/optimize'
import { TesseraError } from '@tessera-llm/tensor'
import type { Argv } from 'yargs'
import { integer, readTextFile } from '../open/index.ts'

/** Options of `optimize` that select the recipe. */
export interface RecipeArguments {
  readonly recipe: string | undefined
  readonly method: string | undefined
  readonly format: string | undefined
  readonly bits: number | undefined
  readonly group: number | undefined
  readonly symmetric: boolean
  readonly rotate: boolean
  readonly budget: string | undefined
  readonly formats: string | undefined
  readonly layout: string | undefined
  readonly seed: number | undefined
  readonly calibrateWindow: number | undefined
  readonly calibrateWindows: number | undefined
}

export function recipeOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('recipe', {
      type: 'string',
      requiresArg: true,
      describe: 'a recipe: a JSON file, or the name of one that ships, such as gptq-q4_0 or q4_k_m',
    })
    .option('method', {
      choices: ['rtn', 'hqq', 'gptq'] as const,
      describe: 'how weights are rounded (default: rtn, which needs no text; with --budget gptq)',
    })
    .option('budget', {
      type: 'string',
      requiresArg: true,
      describe:
        'the size of the result, such as 60MB or 57MiB: a format is chosen for each weight so that least is lost',
    })
    .option('formats', {
      type: 'string',
      requiresArg: true,
      describe: 'what a budget may choose from: q4_0,q5_0,… or int3:64,int4:64,… (default: all that the file can hold)',
    })
    .option('format', {
      type: 'string',
      requiresArg: true,
      describe: 'a ggml type such as q4_0, or a mixed one of llama.cpp such as q4_k_m',
    })
    .option('bits', integer('bits', 2, { describe: 'integers of so many bits, 2, 3, 4 or 8' }))
    .option('group', integer('group', 8, { describe: 'columns that share a scale (default: 64)' }))
    .option('symmetric', { type: 'boolean', default: false, describe: 'integers without zero points' })
    .option('layout', {
      choices: ['gptq', 'awq', 'compressed-tensors'] as const,
      describe: 'how a folder stores integers (default: one that holds them all)',
    })
    .option('rotate', {
      type: 'boolean',
      default: false,
      describe: 'rotate the residual stream first: gptq then loses less',
    })
    .option(
      'calibrate-window',
      integer('calibrate-window', 2, {
        describe: 'tokens of a window of the calibration text (default: 512, of encoders 128, or the context)',
      }),
    )
    .option(
      'calibrate-windows',
      integer('calibrate-windows', 1, { describe: 'how many of its windows (default: 32, of encoders 128)' }),
    )
    .option('seed', integer('seed', 0, { describe: 'of what is drawn at random (default: 0)' }))
}

/**
 * The recipe of `--recipe NAME-OR-FILE`, or the one of `--method` with `--format`, `--bits` and `--group`, or
 * `--budget`. Throws `invalid-option`, `not-found`.
 */
export async function recipeOf(args: RecipeArguments): Promise<Recipe> {
  const recipe = await statedRecipe(args)
  const calibration = {
    ...recipe.calibration,
    ...(args.calibrateWindow === undefined ? {} : { window: args.calibrateWindow }),
    ...(args.calibrateWindows === undefined ? {} : { windows: args.calibrateWindows }),
  }
  return Object.keys(calibration).length === 0 ? recipe : { ...recipe, calibration }
}

async function statedRecipe(args: RecipeArguments): Promise<Recipe> {
  const { recipe: path, method, format, bits, group, symmetric, rotate, budget, formats, layout, seed } = args
  if (path !== undefined) {
    const clash = (['method', 'format', 'bits', 'group', 'budget', 'formats'] as const).find(
      (name) => args[name] !== undefined,
    )
    if (clash !== undefined || rotate)
      throw new TesseraError(
        'invalid-option',
        `--recipe says all that is to be done; leave --${clash ?? 'rotate'} out, or write it into the recipe`,
      )
    // Names of recipes contain no separator and no dot; paths of files do.
    const recipe = /[/\\.]/.test(path) ? parseRecipeJson(await readTextFile('recipe', path)) : namedRecipe(path)
    return parseRecipe({
      ...recipe,
      ...(seed === undefined ? {} : { seed }),
      ...(layout === undefined ? {} : { layout }),
    })
  }
  if (format === undefined && bits === undefined && budget === undefined)
    throw new TesseraError(
      'invalid-option',
      'say what is to be done: --recipe FILE, --format q4_0, --bits 4 --group 64, or --budget 60MB',
    )
  const rotation = rotate ? [{ kind: 'rotate' }] : []
  const common = { ...(seed === undefined ? {} : { seed }), ...(layout === undefined ? {} : { layout }) }
  if (budget !== undefined) {
    if (format !== undefined || bits !== undefined || group !== undefined)
      throw new TesseraError(
        'invalid-option',
        '--budget chooses the formats itself; leave --format, --bits and --group out, or list those to choose from: --formats q4_0,q5_0',
      )
    return parseRecipe({
      ...common,
      steps: [
        ...rotation,
        {
          kind: 'budget',
          size: budget,
          ...(method === undefined ? {} : { method }),
          ...(formats === undefined ? {} : { formats: formats.split(',').map(formatOf) }),
        },
      ],
    })
  }
  if (formats !== undefined)
    throw new TesseraError(
      'invalid-option',
      '--formats lists what a --budget may choose from; for one format say --format',
    )
  if (format !== undefined && (bits !== undefined || group !== undefined))
    throw new TesseraError(
      'invalid-option',
      '--format names a ggml type, --bits and --group integers in groups; give one of the two',
    )
  const into = (format ?? { bits, group: group ?? 64, ...(symmetric ? { symmetric } : {}) }) as WeightFormat
  const step = isMixed(into)
    ? { kind: 'mix', mix: into, ...(method === undefined ? {} : { method }) }
    : { kind: 'quantize', method: method ?? 'rtn', format: into }
  return parseRecipe({ ...common, steps: [...rotation, step] })
}

/** Whether a mixed type is not also a ggml type: `q6_k` alone is the ggml type, for linear layers only. */
function isMixed(format: WeightFormat): boolean {
  return mixes.some((mix) => mix === format) && !ggmlFormats.some((type) => type === format)
}

/** Parses `q4_0`, or integers in groups: `int4:64`, and without zero points `int4:64:symmetric`. */
function formatOf(text: string): WeightFormat {
  const [, bits, group, symmetric] = /^int(\d):(\d+|row)(:symmetric)?$/.exec(text) ?? []
  if (bits === undefined) return text as WeightFormat
  return {
    bits: Number(bits),
    group: group === 'row' ? group : Number(group),
    ...(symmetric ? { symmetric: true } : {}),
  } as WeightFormat
}
