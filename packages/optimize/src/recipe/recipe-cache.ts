import { type CacheKind, denseCache, quantizedCache } from '@tessera-llm/attention'
import type { RecipeCache } from './recipe.ts'

/** The cache for sessions of a recipe's model. */
export function recipeCache({ format, exactTokens }: RecipeCache): CacheKind {
  return format === 'f16' ? denseCache(format) : quantizedCache(format, { exactTokens })
}
