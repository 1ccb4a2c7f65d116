import { type CacheKind, denseCache, quantizedCache } from '@tessera-llm/attention'
import type { RecipeCache } from './recipe.ts'

/** The kind of cache that a recipe asks for: what a session of its model is to be made with. */
export function recipeCache({ format, exactTokens }: RecipeCache): CacheKind {
  return format === 'f16' ? denseCache(format) : quantizedCache(format, { exactTokens })
}
