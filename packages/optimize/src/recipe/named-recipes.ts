import { didYouMean, TesseraError } from '@tessera-llm/tensor'
import { ggmlFormats, mixes, type Recipe, type RecipeStep, type WeightFormat } from './recipe.ts'

const int8: WeightFormat = { bits: 8, group: 'row', symmetric: true }
const gptq = (format: Extract<RecipeStep, { kind: 'quantize' }>['format'], more: object = {}): RecipeStep => ({
  kind: 'quantize',
  method: 'gptq',
  format,
  ...more,
})

/** Mixed types that are not also names of ggml types, each without and with an importance matrix. */
const mixed: readonly Recipe[] = mixes
  .filter((mix) => /_[sml]$/.test(mix))
  .flatMap((mix) => [
    { name: mix, steps: [{ kind: 'mix', mix }] },
    { name: `${mix}-importance`, steps: [{ kind: 'mix', mix, importance: true }] },
  ])

/**
 * The shipped recipes by name. They quantize the linear layers of blocks, or only the cache; mixed types, budgets and
 * recipes for encoders, half of which are embeddings, include embedding and head. docs/lab-log.md has measurements on
 * SmolLM2-135M; a receipt has those of other models.
 */
export const namedRecipes: Readonly<Record<string, Recipe>> = Object.fromEntries(
  [
    { name: 'q8_0', steps: [{ kind: 'quantize', method: 'rtn', format: 'q8_0' }] },
    { name: 'q4_0-importance', steps: [{ kind: 'quantize', method: 'rtn', format: 'q4_0', importance: true }] },
    { name: 'gptq-q4_0', steps: [gptq('q4_0')] },
    { name: 'gptq-q4_0-rotated', steps: [{ kind: 'rotate' }, gptq('q4_0')] },
    { name: 'rtn-4', steps: [{ kind: 'quantize', method: 'rtn', format: { bits: 4, group: 64 } }] },
    { name: 'hqq-4', steps: [{ kind: 'quantize', method: 'hqq', format: { bits: 4, group: 64 }, integerZeros: true }] },
    {
      name: 'awq-4',
      steps: [{ kind: 'awq' }, { kind: 'quantize', method: 'rtn', format: { bits: 4, group: 64 }, importance: true }],
    },
    { name: 'awq-gptq-4', steps: [{ kind: 'awq' }, gptq({ bits: 4, group: 64 })] },
    {
      name: 'w8a8',
      activations: 'int8-token',
      steps: [
        { kind: 'smooth' },
        { kind: 'quantize', method: 'rtn', format: { bits: 8, group: 'row', symmetric: true } },
      ],
    },
    {
      name: 'w8a8-static',
      activations: 'int8-static',
      steps: [{ kind: 'smooth' }, { kind: 'quantize', method: 'rtn', format: int8 }],
    },
    {
      name: 'w4a4-rotated',
      activations: 'int4-token',
      steps: [{ kind: 'rotate', heads: true, down: true }, gptq({ bits: 4, group: 64 }, { correct: true })],
    },
    {
      name: 'fp8',
      steps: [{ kind: 'quantize', method: 'rtn', format: { codebook: 'fp8_e4m3', group: 'row' }, clip: false }],
    },
    { name: 'gptq-4', steps: [gptq({ bits: 4, group: 64 })] },
    { name: 'gptq-4-rotated', steps: [{ kind: 'rotate' }, gptq({ bits: 4, group: 64 }, { correct: true })] },
    { name: 'gptq-3', steps: [gptq({ bits: 3, group: 64 })] },
    { name: 'gptq-3-rotated', steps: [{ kind: 'rotate' }, gptq({ bits: 3, group: 64 }, { correct: true })] },
    { name: 'gptq-2-rotated', steps: [{ kind: 'rotate' }, gptq({ bits: 2, group: 64 }, { correct: true })] },
    { name: 'best-80mb', steps: [{ kind: 'budget', size: '80MB' }] },
    { name: 'best-60mb', steps: [{ kind: 'budget', size: '60MB' }] },
    { name: 'gptq-3-normal', steps: [{ kind: 'rotate' }, gptq({ codebook: 'normal3', group: 64 }, { correct: true })] },
    { name: 'gptq-2-normal', steps: [{ kind: 'rotate' }, gptq({ codebook: 'normal2', group: 64 }, { correct: true })] },
    {
      name: 'encoder-8',
      steps: [
        { kind: 'quantize', method: 'rtn', format: int8 },
        { kind: 'quantize', targets: 'embedding', method: 'rtn', format: int8 },
      ],
    },
    {
      name: 'encoder-5',
      steps: [gptq('q5_0'), { kind: 'quantize', targets: 'embedding', method: 'rtn', format: 'q8_0' }],
    },
    {
      name: 'encoder-4',
      steps: [
        gptq({ bits: 4, group: 32 }),
        { kind: 'quantize', targets: 'embedding', method: 'rtn', format: { bits: 4, group: 32 } },
      ],
    },
    ...mixed,
    { name: 'kv-int8', cache: { format: 'int8' }, steps: [] },
    { name: 'kv-int4', cache: { format: 'int4' }, steps: [] },
  ].map((recipe) => [recipe.name, recipe as Recipe]),
)

/**
 * The shipped recipe with this name.
 *
 * @throws TesseraError `invalid-option` for an unknown name, with the nearest one
 */
export function namedRecipe(name: string): Recipe {
  const found = namedRecipes[name]
  if (found) return found
  const names = Object.keys(namedRecipes)
  const rest = (ggmlFormats as readonly string[]).includes(name)
    ? `; it is a format, which a quantize step takes (CLI: --format ${name}).`
    : didYouMean(name, names)
  throw new TesseraError(
    'invalid-option',
    `recipe: there is none called ${JSON.stringify(name)}${rest} Known are ${names.join(', ')}`,
  )
}
