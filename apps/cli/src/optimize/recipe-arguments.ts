import { readFile } from 'node:fs/promises'
import { namedRecipe, parseRecipe, parseRecipeJson, type Recipe, type WeightFormat } from '@tessera-llm/optimize'
import { TesseraError } from '@tessera-llm/tensor'

/** The options of `optimize` that say what is to be done. */
export interface RecipeArguments {
  readonly recipe: string | undefined
  readonly method: string | undefined
  readonly format: string | undefined
  readonly bits: number | undefined
  readonly group: number | undefined
  readonly symmetric: boolean
  readonly rotate: boolean
  readonly layout: string | undefined
  readonly seed: number | undefined
}

/** The recipe of `--recipe NAME-OR-FILE`, or the one that `--method`, `--format` or `--bits` and `--group` spell out. Throws `invalid-option`, `not-found`. */
export async function recipeOf(args: RecipeArguments): Promise<Recipe> {
  const { recipe: path, method = 'rtn', format, bits, group, symmetric, rotate, layout, seed } = args
  if (path !== undefined) {
    const clash = (['method', 'format', 'bits', 'group'] as const).find((name) => args[name] !== undefined)
    if (clash !== undefined || rotate) throw new TesseraError('invalid-option', `--recipe says all that is to be done; leave --${clash ?? 'rotate'} out, or write it into the recipe`)
    // A name has neither a folder nor an ending.
    const recipe = /[/\\.]/.test(path) ? parseRecipeJson(await readRecipe(path)) : namedRecipe(path)
    return parseRecipe({ ...recipe, ...(seed === undefined ? {} : { seed }), ...(layout === undefined ? {} : { layout }) })
  }
  if (format === undefined && bits === undefined) throw new TesseraError('invalid-option', 'say what is to be done: --recipe FILE, --format q4_0, or --bits 4 --group 64')
  if (format !== undefined && (bits !== undefined || group !== undefined)) throw new TesseraError('invalid-option', '--format names a ggml type, --bits and --group integers in groups; give one of the two')
  const into = (format ?? { bits, group: group ?? 64, ...(symmetric ? { symmetric } : {}) }) as WeightFormat
  return parseRecipe({ ...(seed === undefined ? {} : { seed }), ...(layout === undefined ? {} : { layout }), steps: [...(rotate ? [{ kind: 'rotate' }] : []), { kind: 'quantize', method, format: into }] })
}

async function readRecipe(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new TesseraError('not-found', `--recipe: ${path} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`, { cause })
  }
}
